"""What can be shown and hidden."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Surface(Enum):
    """How an object's surface is drawn."""

    MESHES = "meshes"
    SPLATS = "splats"  # the model's Gaussians; the mesh where an object has none
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Layers:
    """The choice of whoever looks at the page."""

    surface: Surface = Surface.MESHES
    labels: bool = True
    axes: bool = True
    boxes: bool = False
    cloud: bool = True
    object_points: bool = False  # those in the masks of objects, which would cover the surfaces
    camera: bool = True
    unseen: bool = True  # objects that the newest frame does not show
