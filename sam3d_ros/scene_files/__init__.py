"""Scenes for simulators and planners from the results of one frame: URDF, MJCF, meshes, clouds; no ROS."""

from .body import SceneBody, SceneError
from .build import Scene, build_scene
from .collision import CollisionForm
from .options import SceneOptions
from .write import FORMATS, write_scene

__all__ = [
    "FORMATS",
    "CollisionForm",
    "Scene",
    "SceneBody",
    "SceneError",
    "SceneOptions",
    "build_scene",
    "write_scene",
]
