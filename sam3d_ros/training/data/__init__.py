"""Training data made on demand: procedural and scanned objects, views of them through a camera, targets by view."""
