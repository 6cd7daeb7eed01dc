"""Answers of the pipeline in this process as frames of the page, with the Gaussians that the model made."""

from __future__ import annotations

from ..geometry import SE3
from ..messages.names import OutputNames
from ..replay.runs.in_process import Answer
from .camera_view import POINT_BUDGET, camera_view
from .shown import CameraView, ShownFrame


class AnswerFrames:
    """Makes frames of answers; those of one image share its picture and points."""

    def __init__(self, *, point_budget: int = POINT_BUDGET) -> None:
        self._point_budget = point_budget
        self._stamp_ns = -1
        self._view: CameraView | None = None

    def frame(self, answer: Answer) -> ShownFrame:
        """What is shown of an answer, whether final or on its way."""
        names = OutputNames(answer.frame_id)
        return ShownFrame(
            stamp_ns=answer.messages.stamp_ns,
            frame_id=answer.frame_id,
            optical=answer.frame_id == answer.messages.frame_id,
            update=answer.update,
            view=self._view_of(answer),
            tf_names={item.object_id: names.child_frame(item.object_id) for item in answer.update.objects},
            latency_ms=answer.latency_ms,
        )

    def _view_of(self, answer: Answer) -> CameraView | None:
        """None where the messages, or the way to the target frame, could not be used: the rejections say why."""
        placed = answer.T_ref_cam is not None or answer.frame_id == answer.messages.frame_id
        if answer.frame is None or not placed:
            return None
        if answer.messages.stamp_ns != self._stamp_ns:
            T_ref_cam = answer.T_ref_cam or SE3.identity()
            self._view = camera_view(answer.frame, T_ref_cam, point_budget=self._point_budget)
            self._stamp_ns = answer.messages.stamp_ns
        return self._view
