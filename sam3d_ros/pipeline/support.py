"""The plane on which an object stands, and the frame that comes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..geometry import SE3
from ..geometry.plane import Plane, fit_plane_ransac
from .frame import Frame
from .observation import Observation

Float64Array = NDArray[np.float64]

SUPPORT_DISTANCE = 0.008  # m, a point this near a support plane lies on it

_MIN_POINTS = 150
_GAP = 0.015  # m, an edge nearer to the plane than this stands on it
_BELOW_PIXELS = 5
_NEARER = 0.015  # m
_MAX_TILT = np.radians(15.0)  # of a local plane against the scene's


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """Where an object stands. In its stand frame z is up and z = 0 is the plane, or the lowest point without one."""

    T_cam_stand: SE3
    seen: bool  # false: no plane was found, up is the image's up


def find_scene_plane(frame: Frame, *, distance: float, seed: int) -> Plane | None:
    """The plane, normal towards the camera, that most of the unlabelled depth lies on; None where there is none."""
    step = max(1, int(np.sqrt(frame.labels.size / 20000)))
    points = frame.pointmap[::step, ::step][frame.labels[::step, ::step] == 0]
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < _MIN_POINTS:
        return None
    fit = fit_plane_ransac(points, distance=distance, iterations=200, seed=seed)
    if fit is None or fit.inliers.mean() < 0.15:
        return None
    return fit.plane


def find_support(frame: Frame, observation: Observation, scene_plane: Plane | None, *, distance: float) -> Support:
    """The support of one object: the scene's plane settled on the background around the mask."""
    plane = _local_plane(frame, observation, scene_plane, distance=distance)
    if plane is None:
        return Support(_upright_stand(observation.points), seen=False)
    return Support(_stand_on(plane, np.median(observation.points, axis=0)), seen=True)


def find_bottom(frame: Frame, observation: Observation, support: Support, p_stand: Float64Array) -> float:
    """Height in the stand frame at which the object ends below.

    That is the plane, unless the object's lower edge is seen clearly above it: on another object, or held. An edge that
    something nearer hides says nothing.
    """
    lowest, height = float(np.quantile(p_stand[:, 2], 0.01)), float(np.quantile(p_stand[:, 2], 0.99))
    if not support.seen:
        return lowest
    below = _what_is_below(frame, observation)
    if below == "occluder":
        return 0.0
    near = _GAP if below == "object" else max(_GAP, 0.6 * (height - lowest))
    return 0.0 if lowest < near else lowest


def _what_is_below(frame: Frame, observation: Observation) -> Literal["background", "object", "occluder"]:
    """What most of the pixels just below the mask show."""
    u, v = observation.pixels.T
    lowest = np.full(frame.camera.width, -1, np.int32)
    np.maximum.at(lowest, u, v)
    columns = np.flatnonzero(lowest >= 0)
    rows = lowest[columns]
    rows_below = np.minimum(rows + _BELOW_PIXELS, frame.camera.height - 1)
    labels = frame.labels[rows_below, columns]
    other = (labels != 0) & (labels != observation.label)
    depth = frame.pointmap[..., 2]
    with np.errstate(invalid="ignore"):
        nearer = depth[rows_below, columns] < depth[rows, columns] - _NEARER
    majority = len(columns) / 2
    if nearer.sum() > majority:
        return "occluder"
    return "object" if (other & ~nearer).sum() > majority else "background"


def _local_plane(frame: Frame, observation: Observation, scene_plane: Plane | None, *, distance: float) -> Plane | None:
    ring = _ring_points(frame, observation.mask)
    if len(ring) < _MIN_POINTS:
        return scene_plane
    hint = None if scene_plane is None else scene_plane.normal_xyz
    fit = fit_plane_ransac(ring, distance=distance, iterations=60, normal_hint=hint, max_angle=_MAX_TILT)
    if fit is None or fit.inliers.mean() < 0.3:
        return scene_plane
    below = (fit.plane.signed_distance(observation.points) > -distance).mean() > 0.8
    return fit.plane if below else scene_plane


def _ring_points(frame: Frame, mask: NDArray[np.bool_]) -> Float64Array:
    """Unlabelled depth points around the mask, about 1,500."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    extra = 6 + int(0.3 * max(np.ptp(rows), np.ptp(columns)))
    box = (
        slice(max(rows[0] - extra, 0), rows[-1] + extra + 1),
        slice(max(columns[0] - extra, 0), columns[-1] + extra + 1),
    )
    free = (frame.labels[box] == 0) & ~ndimage.binary_dilation(mask[box], iterations=3)
    points = frame.pointmap[box][free]
    points = points[np.isfinite(points).all(axis=1)]
    thinned: Float64Array = points[:: max(1, len(points) // 1500)].astype(np.float64)
    return thinned


def _stand_on(plane: Plane, near: Float64Array) -> SE3:
    """Stand frame on the plane below a point: z is the normal, x lies in the plane and to the camera's right."""
    z = plane.normal_xyz
    x = np.array([1.0, 0.0, 0.0]) - z[0] * z
    if np.linalg.norm(x) < 1e-3:
        x = np.array([0.0, 0.0, 1.0]) - z[2] * z
    x /= np.linalg.norm(x)
    return SE3.from_rotation(np.stack([x, np.cross(z, x), z], axis=1), plane.project(near))


def _upright_stand(points: Float64Array) -> SE3:
    """Stand frame for a camera held upright, at the object's lowest point."""
    bottom = np.quantile(points[:, 1], 0.99)
    origin = np.array([np.median(points[:, 0]), bottom, np.median(points[:, 2])])
    return SE3.from_rotation(np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]), origin)
