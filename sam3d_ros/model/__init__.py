"""SAM 3D Objects in plain PyTorch: networks, samplers, decoders, weights. Imports no ROS."""
