"""Object table: identity, following, when to reconstruct again. Imports no ROS."""

from .scene import ObjectState, SceneObject, SceneUpdate, UpdateCallback

__all__ = ["ObjectState", "SceneObject", "SceneUpdate", "UpdateCallback"]
