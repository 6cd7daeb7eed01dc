"""Results against ground truth: metric figures in the camera frame, without alignment, each with its baselines.

Everything is compared where it claims to be: both meshes are posed in the camera optical frame with their own pose, so
a wrong scale, place or rotation counts as much as a wrong shape. Objects and truth pair by label.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...geometry import Mesh
from ...pipeline import Quality, Rejection
from ...pipeline.observation import Observation, PrepareConfig, observe
from ...tracking import SceneObject
from ..frames.results import FrameRecord
from ..truth.truth_object import TruthObject
from .pose_score import PoseScore, score_pose, score_pose_of_box
from .shape_score import ShapeScore, TruthSurface, score_box, score_mesh, score_points


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object of one frame: what it says of itself, and how it compares where the truth is known."""

    run: str  # the bag; empty where frames stand for themselves
    frame: str
    label: int
    object_id: int  # unique within the run
    name: str  # of the truth, else of the detection
    category: str  # groups figures
    quality: Quality
    extents_m: tuple[float, float, float]
    triangles: int
    latency_ms: Mapping[str, float]
    score: ShapeScore | None = None
    pose: PoseScore | None = None  # known where the score is
    baselines: Mapping[str, ShapeScore] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, float]:
        """Score and pose by the names of their fields; empty where the truth is not known."""
        known = [asdict(part) for part in (self.score, self.pose) if part]
        return {name: float(value) for part in known for name, value in part.items()}


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One mask without an object."""

    run: str
    frame: str
    label: int
    name: str
    reason: str
    detail: str


def evaluate_record(record: FrameRecord, *, measure: bool = True, baselines: bool = False) -> list[ObjectRow]:
    """The objects of a frame by label; with `measure` they are compared with the truth where it is known.

    `baselines` adds what costs nothing to make: the visible points as they are, and their convex hull.
    """
    truth = {item.label: item for item in record.truth} if measure else {}
    names = {item.label: item for item in record.truth}
    rows = []
    for item in record.seen_objects():
        surface = TruthSurface.of(truth[item.label], record.frame) if item.label in truth else None
        rows.append(_row(record, item, names.get(item.label), surface, baselines))
    return rows


def rejected_rows(record: FrameRecord) -> list[RejectedRow]:
    """The rejections of a frame by label."""
    names = {item.label: item.name for item in record.truth}
    ordered = sorted(record.update.rejections, key=lambda item: item.label)
    return [_rejected(record, item, names.get(item.label, "")) for item in ordered]


def _row(
    record: FrameRecord, item: SceneObject, truth: TruthObject | None, surface: TruthSurface | None, baselines: bool
) -> ObjectRow:
    name = truth.name if truth else (item.detection.class_id if item.detection else "")
    extents = np.sort(item.mesh.extents)[::-1]
    score, pose = _scores(record, item, surface) if surface else (None, None)
    return ObjectRow(
        run=record.run,
        frame=record.name,
        label=item.label,
        object_id=item.object_id,
        name=name,
        category=(truth.category if truth else "") or name,
        quality=item.quality,
        extents_m=(float(extents[0]), float(extents[1]), float(extents[2])),
        triangles=len(item.mesh.triangles),
        latency_ms=item.latency_ms,
        score=score,
        pose=pose,
        baselines=_baselines(record, surface) if surface and baselines else {},
    )


def _scores(record: FrameRecord, item: SceneObject, truth: TruthSurface) -> tuple[ShapeScore, PoseScore]:
    T_cam_obj = record.T_cam_obj(item)
    if truth.model.box_only:
        return score_box(item.mesh, T_cam_obj, truth), score_pose_of_box(item.mesh, T_cam_obj, truth)
    shape = score_mesh(item.mesh.transformed(T_cam_obj), truth)
    return shape, score_pose(item.mesh, T_cam_obj, truth, frame=record.frame, shape=shape)


def _rejected(record: FrameRecord, rejection: Rejection, name: str) -> RejectedRow:
    return RejectedRow(record.run, record.name, rejection.label, name, rejection.reason.value, rejection.detail)


def _baselines(record: FrameRecord, surface: TruthSurface) -> dict[str, ShapeScore]:
    if surface.model.box_only:
        return {}
    seen = observe(record.frame, surface.label, PrepareConfig())
    if not isinstance(seen, Observation):
        return {}
    hull = _hull(seen.points)
    return {"visible points": score_points(seen.points, surface), "convex hull": score_mesh(hull, surface)}


def _hull(points: NDArray[np.float64]) -> Mesh:
    """Convex hull of points in their frame, grey."""
    import trimesh  # half a second to import, only for this baseline

    hull = trimesh.PointCloud(points).convex_hull
    return Mesh(hull.vertices, hull.faces, np.full((len(hull.vertices), 3), 160, np.uint8))


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Mean and median of each figure over some objects."""

    group: str
    method: str  # "result" or the name of a baseline
    count: int
    mean: Mapping[str, float]
    median: Mapping[str, float]
    scale_error: float  # median of how far the size is off, as a share of the true one


def aggregate(rows: Iterable[ObjectRow]) -> list[Aggregate]:
    """Figures over all scored objects and for each category, for the result and each baseline."""
    scored = [row for row in rows if row.score]
    groups = {"all": scored} if scored else {}
    categories = sorted({row.category for row in scored})
    if len(categories) > 1:
        groups |= {category: [row for row in scored if row.category == category] for category in categories}
    return [table for group, members in groups.items() for table in _methods(group, members)]


def _methods(group: str, rows: Sequence[ObjectRow]) -> list[Aggregate]:
    methods = {"result": [row.figures for row in rows]}
    for name in sorted({name for row in rows for name in row.baselines}):
        methods[name] = [asdict(row.baselines[name]) for row in rows if name in row.baselines]
    return [_aggregate(group, method, figures) for method, figures in methods.items()]


def _aggregate(group: str, method: str, figures: Sequence[Mapping[str, float]]) -> Aggregate:
    values = {name: np.array([item[name] for item in figures], np.float64) for name in figures[0]}
    known = {name: value[np.isfinite(value)] for name, value in values.items()}
    mean = {name: float(np.mean(value)) if len(value) else float("nan") for name, value in known.items()}
    median = {name: float(np.median(value)) if len(value) else float("nan") for name, value in known.items()}
    error = float(np.median(np.abs(known["scale_ratio"] - 1))) if len(known["scale_ratio"]) else float("nan")
    return Aggregate(group, method, len(figures), mean, median, error)
