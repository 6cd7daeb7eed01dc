"""From where the page looks at the scene, and which way is up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from .shown import ShownFrame

Float64Array = NDArray[np.float64]

_UP_IN_CAMERA = np.array([0.0, -1.0, 0.0])
_RAISED, _ASIDE = 0.25, 0.2  # of the distance to what is looked at, so that the camera is not in its own picture
_LEAST_DISTANCE_M = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Viewpoint:
    """A place to look from, in the reference frame."""

    position: Float64Array  # [3]
    look_at: Float64Array  # [3]


def up_direction(frame: ShownFrame) -> Float64Array:
    """Unit vector [3] that points up: z, or in a camera's frame the mean of the objects' own z axes.

    A camera that looks down at a table is tilted; the objects' frames stand on the table. Without objects it is the
    camera's up.
    """
    if not frame.optical:
        return np.array([0.0, 0.0, 1.0])
    axes = [item.T_ref_obj.rotation[:, 2] for item in frame.update.objects]
    mean = np.mean(axes, axis=0) if axes else _UP_IN_CAMERA
    length = np.linalg.norm(mean)
    return np.asarray(mean / length if length > 0.5 else _UP_IN_CAMERA, np.float64)


def first_viewpoint(frame: ShownFrame) -> Viewpoint | None:
    """Beside and above the camera, looking at the objects; None while there is nothing to look at."""
    middle = _middle(frame)
    if middle is None:
        return None
    T_ref_cam = frame.view.T_ref_cam if frame.view else SE3.identity()
    if frame.view is None and not frame.optical:
        return Viewpoint(middle + np.array([-0.5, -0.5, 0.5]), middle)
    up, back = up_direction(frame), T_ref_cam.translation_xyz - middle
    distance = max(float(np.linalg.norm(back)), _LEAST_DISTANCE_M)
    aside = np.cross(up, back)
    aside /= max(float(np.linalg.norm(aside)), 1e-9)
    return Viewpoint(middle + 0.9 * back + distance * (_RAISED * up + _ASIDE * aside), middle)


def _middle(frame: ShownFrame) -> Float64Array | None:
    """The middle of the objects, without them of the measured points; reference frame."""
    if frame.update.objects:
        return np.asarray(np.mean([o.T_ref_obj.translation_xyz for o in frame.update.objects], axis=0), np.float64)
    if frame.view is not None and frame.view.cloud is not None:
        return np.asarray(frame.view.T_ref_cam.apply(frame.view.cloud.centre), np.float64)
    return None
