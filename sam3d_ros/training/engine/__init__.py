"""The engine of all training stages: data positions, optimiser, averages, checkpoints, budget, logs, loop."""
