"""Frames, cameras, pointmaps, meshes and metrics: no state, no ROS, imports nothing of this package's upper rooms."""

from .camera import PinholeCamera
from .mesh import Mesh
from .transforms import SE3, Sim3, TransformError

__all__ = ["SE3", "Mesh", "PinholeCamera", "Sim3", "TransformError"]
