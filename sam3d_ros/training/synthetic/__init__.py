"""Tabletop scenes with known truth: objects, light, a hand-held camera and the flaws of its sensors, by seed."""

from .camera_path import CameraPath, look_at
from .scene import PlacedProp, PlacementError, Scene, SceneConfig, make_scene
from .sensor import ColorSensor, DepthSensor, MaskNoise
from .sequence import SequenceConfig, SyntheticFrame, film

__all__ = [
    "CameraPath",
    "ColorSensor",
    "DepthSensor",
    "MaskNoise",
    "PlacedProp",
    "PlacementError",
    "Scene",
    "SceneConfig",
    "SequenceConfig",
    "SyntheticFrame",
    "film",
    "look_at",
    "make_scene",
]
