"""SAM 3D Objects in plain PyTorch: networks, samplers, decoders, weights. Imports no ROS.

The names here load the model; each part, and each step that can be called alone, is in docs/model.md.
"""

from .config import SMALL, TINY, Sam3dConfig
from .weights import Sam3dModel, WeightsError, WeightsFolder, load_official, load_weights

__all__ = [
    "SMALL",
    "TINY",
    "Sam3dConfig",
    "Sam3dModel",
    "WeightsError",
    "WeightsFolder",
    "load_official",
    "load_weights",
]
