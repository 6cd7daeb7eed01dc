"""From what was published and what the camera saw to what is shown of a frame."""

from __future__ import annotations

from dataclasses import dataclass

from ..geometry import SE3
from ..geometry.transform_tree import TransformTree
from ..pipeline import FrameError
from ..pipeline.decode import InputError
from ..pipeline.frame_messages import FrameMessages, decode_frame
from ..replay.bags.published import PublishedScene
from .camera_view import POINT_BUDGET, camera_view
from .placing import Placing
from .shown import CameraView, ShownFrame, is_optical


@dataclass(frozen=True, slots=True, eq=False)
class _MadeView:
    """A view and what it was made of: several messages of results may belong to one image."""

    camera: FrameMessages
    frame_id: str
    view: CameraView

    def fits(self, camera: FrameMessages, frame_id: str) -> bool:
        same_messages = camera.image is self.camera.image and camera.mask is self.camera.mask
        return same_messages and frame_id == self.frame_id


class Assembler:
    """Makes shown frames, with the transforms of their stamps. An empty `target_frame` is that of the poses."""

    def __init__(self, tree: TransformTree, *, target_frame: str = "", point_budget: int = POINT_BUDGET) -> None:
        self._placing = Placing(tree, target_frame)
        self._point_budget = point_budget
        self._newest: _MadeView | None = None

    def frame(self, scene: PublishedScene, camera: FrameMessages | None) -> ShownFrame:
        """A frame of results and, where they are at hand, the camera's messages."""
        update, frame_id, notices = self._placing.place(scene.update, scene.frame_id)
        view, more = self.view(camera, frame_id)
        return ShownFrame(
            stamp_ns=update.stamp_ns,
            frame_id=frame_id,
            optical=is_optical(frame_id) or (camera is not None and frame_id == camera.frame_id),
            update=update,
            view=view,
            tf_names=scene.tf_names,
            latency_ms=scene.latency_ms,
            notices=(*notices, *more, *map(_without_mesh, scene.without_mesh)),
        )

    def view(self, camera: FrameMessages | None, frame_id: str) -> tuple[CameraView | None, tuple[str, ...]]:
        """What the camera saw, placed in a frame, and a notice where that cannot be shown."""
        if camera is None:
            return None, ()
        if self._newest is not None and self._newest.fits(camera, frame_id):
            return self._newest.view, ()
        pose: SE3 | str = SE3.identity()
        if frame_id != camera.frame_id:
            pose = self._placing.look_up(frame_id, camera.frame_id, camera.stamp_ns)
        if isinstance(pose, str):
            return None, (f"camera and points are left out: {pose}",)
        try:
            view = camera_view(decode_frame(camera), pose, point_budget=self._point_budget)
        except (InputError, FrameError) as error:
            return None, (f"camera and points are left out: {error}",)
        self._newest = _MadeView(camera, frame_id, view)
        return view, ()


def _without_mesh(object_id: int) -> str:
    return f"object {object_id} came without its mesh (objects_mesh: on_change): it is drawn once a new one comes"
