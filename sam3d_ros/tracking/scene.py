"""Contract of the object table; see `SceneTracker` for the walk of one frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh
from ..geometry.gaussians import Gaussians
from ..pipeline import Detection, Quality, Rejection


class ObjectState(Enum):
    """How much is known of an object; the names are those of sam3d_ros/ReconstructedObject."""

    COARSE = "coarse"  # pose and rough mesh; the finished mesh follows under the same id
    COMPLETE = "complete"  # finished mesh, pose settled against the newest depth
    UNSEEN = "unseen"  # not in the newest frame; the pose is the last measured one


@dataclass(frozen=True, slots=True, eq=False)
class SceneObject:
    """A living object as of `stamp_ns`. Poses are in the reference frame: the camera's, or the fixed target frame."""

    object_id: int  # stable, from 1
    label: int  # in the mask image in which it was last seen
    detection: Detection | None
    state: ObjectState
    mesh: Mesh  # object frame
    mesh_version: int  # from 1, grows with each new mesh of this id
    T_ref_obj: SE3
    covariance: NDArray[np.float64]  # [6, 6] reference frame, order of PoseWithCovariance
    scale: float
    quality: Quality
    stamp_ns: int  # frame in which the pose was measured
    latency_ms: dict[str, float] = field(default_factory=dict)
    gaussians: Gaussians | None = None  # object frame, aligned with the mesh; only where a model made some


@dataclass(frozen=True, slots=True, eq=False)
class SceneUpdate:
    """The scene after (a part of) a frame: all living objects, what was refused, which ids are gone.

    `final` is true once per frame, when every mask has been answered; updates before it carry what is known so far
    (followed objects first, then coarse results, then finished meshes one by one).
    """

    stamp_ns: int
    objects: tuple[SceneObject, ...]
    rejections: tuple[Rejection, ...]
    removed_ids: tuple[int, ...]
    final: bool
    latency_ms: dict[str, float] = field(default_factory=dict)  # frame level stages: "prepare", "follow", ...

    def with_known_places(self, *, fixed_frame: bool) -> SceneUpdate:
        """With the objects whose place is known: all in a fixed frame, in a moving camera's those that are seen."""
        if fixed_frame:
            return self
        return replace(self, objects=tuple(item for item in self.objects if item.state is not ObjectState.UNSEEN))


UpdateCallback = Callable[[SceneUpdate], None]
