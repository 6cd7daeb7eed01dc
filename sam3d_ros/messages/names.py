"""Names of frames in the outputs. Needs no ROS."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OutputNames:
    """Frames of the outputs: `frame_id` holds every pose, objects are its TF children `<tf_prefix><id>`."""

    frame_id: str
    tf_prefix: str = "object_"

    def child_frame(self, object_id: int) -> str:
        """TF frame of an object."""
        return f"{self.tf_prefix}{object_id}"
