"""How near a posed surface comes to the true one, in the camera optical frame, nothing aligned.

Distances run from points on one surface to the nearest place of the other surface, not to its nearest sample: a perfect
result scores zero, whatever the number of samples.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ...geometry import SE3, Mesh
from ...geometry.metrics import diameter, hidden_from_camera, nearest_distances, volumetric_iou
from ...geometry.sampling import sample_surface, sphere_directions
from ...pipeline import Frame
from ..truth.truth_object import TruthObject
from .surface_distance import distance_to_surface

Float64Array = NDArray[np.float64]

SAMPLES = 10_000  # points on each surface
IOU_CELLS = 64  # per edge of the common box
_NEAR_M, _FAR_M = 0.005, 0.010
_DIAMETER_DIRECTIONS = 512
_ADD_S_LIMIT = 0.1  # of the true diameter


@dataclass(frozen=True, slots=True)
class ShapeScore:
    """Figures of one object; NaN where one does not apply (volume of bare points)."""

    chamfer_mm: float  # mean of both mean distances, truth to result and result to truth
    f_5mm: float  # 0-1, harmonic mean of the shares of each surface within 5 mm of the other
    f_10mm: float
    hidden_10mm: float  # 0-1, share of the true surface that the camera did not see within 10 mm of the result
    iou: float  # 0-1, common volume over joint volume
    add_s_mm: float  # mean distance of the true surface from the result
    add_s_below_tenth: float  # 1 where that is below a tenth of the true diameter, else 0
    scale_ratio: float  # diameter of the result over the true one
    centre_mm: float  # between the centres of the boxes along the camera axes


@dataclass(frozen=True, slots=True, eq=False)
class TruthSurface:
    """The true surface of one object in the camera optical frame, sampled."""

    label: int
    model: TruthObject
    mesh: Mesh  # posed
    points: Float64Array  # [N, 3]
    hidden: NDArray[np.bool_]  # [N] not seen by the camera: turned away or behind something
    diameter: float

    @staticmethod
    def of(truth: TruthObject, frame: Frame) -> TruthSurface:
        """Sample a truth; a point is seen where it projects into the object's mask and nothing of it lies in front."""
        mesh = truth.mesh.transformed(truth.T_cam_obj)
        points = sample_surface(mesh, SAMPLES, seed=0).points
        hidden = hidden_from_camera(mesh, points, SE3.identity()) | ~_in_mask(points, truth.label, frame)
        return TruthSurface(truth.label, truth, mesh, points, hidden, _diameter(mesh.vertices))


def score_mesh(mesh: Mesh, truth: TruthSurface) -> ShapeScore:
    """Score a mesh that is posed in the camera optical frame."""
    points = sample_surface(mesh, SAMPLES, seed=1).points
    to_result = distance_to_surface(truth.points, mesh).astype(np.float64)
    iou = volumetric_iou(mesh, truth.mesh, IOU_CELLS)
    return _score(points, truth, to_result=to_result, diameter_m=_diameter(mesh.vertices), iou=iou)


def score_box(mesh: Mesh, T_cam_obj: SE3, truth: TruthSurface) -> ShapeScore:
    """Score a mesh in its object frame against a truth of which only the box is known: the size is the box diagonal."""
    unknown = dict.fromkeys((item.name for item in fields(ShapeScore)), float("nan"))
    box = truth.model.mesh
    between = T_cam_obj.apply(mesh.box_centre[None]) - truth.model.T_cam_obj.apply(box.box_centre[None])
    size = float(np.linalg.norm(mesh.extents) / np.linalg.norm(box.extents))
    return ShapeScore(**unknown | {"scale_ratio": size, "centre_mm": 1e3 * float(np.linalg.norm(between))})


def score_points(points: Float64Array, truth: TruthSurface) -> ShapeScore:
    """Score bare points [N, 3] of the camera optical frame as if they were the surface; volume does not apply."""
    chosen = np.random.default_rng(1).permutation(len(points))[:SAMPLES]
    to_result = nearest_distances(truth.points, points[chosen])
    return _score(points[chosen], truth, to_result=to_result, diameter_m=_diameter(points), iou=float("nan"))


def _score(
    points: Float64Array, truth: TruthSurface, *, to_result: Float64Array, diameter_m: float, iou: float
) -> ShapeScore:
    to_truth = distance_to_surface(points, truth.mesh).astype(np.float64)
    add_s = float(to_result.mean())
    return ShapeScore(
        chamfer_mm=1e3 * (add_s + float(to_truth.mean())) / 2,
        f_5mm=_f_score(to_result, to_truth, _NEAR_M),
        f_10mm=_f_score(to_result, to_truth, _FAR_M),
        hidden_10mm=_share_within(to_result[truth.hidden], _FAR_M),
        iou=iou,
        add_s_mm=1e3 * add_s,
        add_s_below_tenth=float(add_s < _ADD_S_LIMIT * truth.diameter),
        scale_ratio=diameter_m / truth.diameter,
        centre_mm=1e3 * float(np.linalg.norm(_box_centre(points) - _box_centre(truth.points))),
    )


def _diameter(points: NDArray[np.floating]) -> float:
    """Largest distance between two of the points [N, 3], right to 0.2 %; much quicker than among all pairs.

    The two farthest points are each the outermost one along their difference, so those along many directions suffice.
    """
    heights = points @ sphere_directions(_DIAMETER_DIRECTIONS).T.astype(points.dtype)
    return diameter(points[np.unique(heights.argmax(axis=0))])


def _in_mask(points: Float64Array, label: int, frame: Frame) -> NDArray[np.bool_]:
    """Which points [N, 3] of the camera optical frame project into the mask of the label."""
    pixels = np.nan_to_num(np.rint(frame.camera.project(points)), nan=-1).astype(np.int64)
    u, v = pixels[:, 0], pixels[:, 1]
    inside = (u >= 0) & (u < frame.camera.width) & (v >= 0) & (v < frame.camera.height)
    in_mask: NDArray[np.bool_] = inside & (frame.labels[np.where(inside, v, 0), np.where(inside, u, 0)] == label)
    return in_mask


def _share_within(distances: Float64Array, limit: float) -> float:
    return float(np.mean(distances < limit)) if len(distances) else float("nan")


def _f_score(to_result: Float64Array, to_truth: Float64Array, limit: float) -> float:
    recall, precision = _share_within(to_result, limit), _share_within(to_truth, limit)
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _box_centre(points: Float64Array) -> Float64Array:
    centre: Float64Array = (points.min(axis=0) + points.max(axis=0)) / 2
    return centre
