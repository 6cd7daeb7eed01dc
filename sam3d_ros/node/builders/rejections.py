"""sam3d_ros/RejectionArray: the masks that did not become an object, and why."""

from __future__ import annotations

from collections.abc import Iterable

from sam3d_ros.msg import Rejection as RejectionMessage
from sam3d_ros.msg import RejectionArray

from ...pipeline import Rejection
from .common import header_message


def build_rejection(rejection: Rejection) -> RejectionMessage:
    """One rejection."""
    return RejectionMessage(label=rejection.label, reason=rejection.reason.value, detail=rejection.detail)


def build_rejections(rejections: Iterable[Rejection], *, stamp_ns: int, frame_id: str) -> RejectionArray:
    """The rejections of one frame under the header of its image; empty when every mask became an object."""
    messages = [build_rejection(rejection) for rejection in rejections]
    return RejectionArray(header=header_message(stamp_ns, frame_id), rejections=messages)
