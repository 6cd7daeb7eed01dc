"""Scenes in the frame that the user wants to see them in."""

from __future__ import annotations

from dataclasses import replace

from ..geometry import SE3
from ..geometry.lie import transform_covariance
from ..geometry.transform_tree import TransformLookupError, TransformTree
from ..tracking import SceneUpdate


class Placing:
    """Looks transforms up at the stamp of each frame. `target_frame` is empty for the frame of the poses."""

    def __init__(self, tree: TransformTree, target_frame: str) -> None:
        self._tree = tree
        self._target_frame = target_frame

    def place(self, update: SceneUpdate, frame_id: str) -> tuple[SceneUpdate, str, tuple[str, ...]]:
        """The scene, the frame of its poses, and a notice where the target frame was out of reach."""
        if not self._target_frame or self._target_frame == frame_id:
            return update, frame_id, ()
        pose = self.look_up(self._target_frame, frame_id, update.stamp_ns)
        if isinstance(pose, str):
            return update, frame_id, (f"poses stay in {frame_id}: {pose}",)
        return moved(update, pose), self._target_frame, ()

    def look_up(self, target: str, source: str, stamp_ns: int) -> SE3 | str:
        """T_target_source at a stamp, or why there is none."""
        try:
            return self._tree.lookup(target, source, stamp_ns)[0]
        except TransformLookupError as error:
            return f"no transform from {source} to {target}: {error}"


def moved(update: SceneUpdate, T_new_ref: SE3) -> SceneUpdate:
    """The scene with its poses in another frame."""
    objects = tuple(
        replace(
            item,
            T_ref_obj=T_new_ref @ item.T_ref_obj,
            covariance=transform_covariance(item.covariance, T_new_ref),
        )
        for item in update.objects
    )
    return replace(update, objects=objects)
