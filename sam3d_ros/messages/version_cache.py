"""Keeps what was derived from a mesh, as long as the object lives and its mesh stays the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from ..geometry import Mesh
from ..tracking.scene import SceneObject, SceneUpdate

T = TypeVar("T")


class VersionCache(Generic[T]):
    """Values by object id, each made once for a mesh version."""

    def __init__(self, make: Callable[[Mesh], T]) -> None:
        self._make = make
        self._by_id: dict[int, tuple[int, T]] = {}

    def get(self, scene_object: SceneObject) -> T:
        """The value of the object's present version, made now if it is new."""
        entry = self._by_id.get(scene_object.object_id)
        if entry is None or entry[0] != scene_object.mesh_version:
            entry = (scene_object.mesh_version, self._make(scene_object.mesh))
            self._by_id[scene_object.object_id] = entry
        return entry[1]

    def is_new(self, scene_object: SceneObject) -> bool:
        """Whether the present version was never asked for."""
        entry = self._by_id.get(scene_object.object_id)
        return entry is None or entry[0] != scene_object.mesh_version

    def keep_only(self, update: SceneUpdate) -> tuple[int, ...]:
        """Forget the objects that are not alive in this update; returns their ids."""
        alive = {scene_object.object_id for scene_object in update.objects}
        gone = tuple(object_id for object_id in self._by_id if object_id not in alive)
        for object_id in gone:
            del self._by_id[object_id]
        return gone

    def clear(self) -> None:
        """Forget everything."""
        self._by_id.clear()

    def __len__(self) -> int:
        return len(self._by_id)
