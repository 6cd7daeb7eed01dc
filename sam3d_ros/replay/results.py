"""What a run has to say of one frame, and the files it leaves."""

from __future__ import annotations

from dataclasses import dataclass

from ..geometry import SE3
from ..pipeline import Frame
from ..tracking import ObjectState, SceneObject, SceneUpdate
from .truth import TruthObject


@dataclass(frozen=True, slots=True, eq=False)
class FrameRecord:
    """One frame, the scene after it, and the truth where it is known."""

    name: str  # unique within a run; names folders and pictures
    frame: Frame
    update: SceneUpdate
    truth: tuple[TruthObject, ...] = ()
    T_ref_cam: SE3 | None = None  # pose of the camera in the frame of the update's poses; None: that is the camera

    def seen_objects(self) -> list[SceneObject]:
        """The objects with a mask in this frame, by label."""
        seen = [item for item in self.update.objects if item.state is not ObjectState.UNSEEN]
        return sorted(seen, key=lambda item: item.label)

    def T_cam_obj(self, item: SceneObject) -> SE3:
        """Pose of an object in the optical frame of this frame's camera."""
        return item.T_ref_obj if self.T_ref_cam is None else self.T_ref_cam.inverse() @ item.T_ref_obj

    def unanswered_labels(self) -> list[int]:
        """Labels of the mask image that are neither object nor rejection: none, unless the tracker is defective."""
        answered = {item.label for item in self.seen_objects()} | {item.label for item in self.update.rejections}
        return [label for label in self.frame.instance_labels() if label not in answered and 0 not in answered]
