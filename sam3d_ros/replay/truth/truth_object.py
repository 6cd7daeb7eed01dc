"""What is known to be true of an object in a frame."""

from __future__ import annotations

from dataclasses import dataclass

from ...geometry import SE3, Mesh


@dataclass(frozen=True, slots=True, eq=False)
class TruthObject:
    """Ground truth of one instance: complete mesh in its object frame and pose in the camera optical frame."""

    label: int  # in the mask image; 0 where no mask shows it
    name: str
    mesh: Mesh
    T_cam_obj: SE3
    category: str = ""  # groups figures; the name stands in where it is empty
    symmetries: tuple[SE3, ...] = (SE3.identity(),)  # turns of the object frame that show no difference
    box_only: bool = False  # the mesh is the object's box: its surface is not known
