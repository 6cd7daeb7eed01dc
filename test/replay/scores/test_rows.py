"""Objects pair with the truth by label; groups are summed up as they should be."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline import Detection, Frame, Quality, Rejection, RejectionReason
from sam3d_ros.replay.frames.results import FrameRecord
from sam3d_ros.replay.scores.rows import aggregate, evaluate_record, rejected_rows
from sam3d_ros.replay.truth.truth_object import TruthObject
from sam3d_ros.tracking import ObjectState, SceneObject, SceneUpdate

CAMERA = PinholeCamera(160, 120, 200.0, 200.0, 79.5, 59.5)
LEFT, RIGHT = (SE3(np.array([1.0, 0, 0, 0]), np.array([x, 0.0, 0.6])) for x in (-0.08, 0.08))


def box(edge: float) -> Mesh:
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * edge
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(triangles), np.full((8, 3), 128))


def scene_object(label: int, mesh: Mesh, T_ref_obj: SE3, detection=None) -> SceneObject:
    return SceneObject(
        object_id=label + 100,
        label=label,
        detection=detection,
        state=ObjectState.COMPLETE,
        mesh=mesh,
        mesh_version=1,
        T_ref_obj=T_ref_obj,
        covariance=np.eye(6),
        scale=1.0,
        quality=Quality(),
        stamp_ns=0,
    )


@pytest.fixture(scope="module")
def frame() -> Frame:
    rendering = render([box(0.1), box(0.1)], [LEFT, RIGHT], CAMERA)
    pointmap = (CAMERA.rays() * rendering.depth[..., None]).astype(np.float32)
    return Frame(rendering.color, pointmap, (rendering.index + 1).astype(np.int32), CAMERA)


@pytest.fixture
def record(frame) -> FrameRecord:
    """A perfect box with label 1, one of twice the size with label 2."""
    objects = (scene_object(2, box(0.2), RIGHT), scene_object(1, box(0.1), LEFT))
    truth = (TruthObject(1, "small", box(0.1), LEFT, "boxes"), TruthObject(2, "large", box(0.1), RIGHT))
    return FrameRecord("frame", frame, SceneUpdate(0, objects, (), (), True), truth)


def test_each_object_is_compared_with_the_truth_of_its_label(record):
    first, second = evaluate_record(record)
    assert (first.label, first.name, first.category) == (1, "small", "boxes")
    assert (second.label, second.name, second.category) == (2, "large", "large")
    assert first.score.chamfer_mm == pytest.approx(0, abs=1e-3)
    assert first.score.scale_ratio == pytest.approx(1, abs=0.02)
    assert second.score.scale_ratio == pytest.approx(2, abs=0.02)


def test_poses_in_a_fixed_frame_are_compared_in_the_camera_frame(record):
    T_ref_cam = SE3(np.array([0.9, 0.1, -0.4, 0.2]), np.array([3.0, -1.0, 2.0]))
    moved = tuple(dataclasses.replace(item, T_ref_obj=T_ref_cam @ item.T_ref_obj) for item in record.update.objects)
    fixed = dataclasses.replace(record, update=dataclasses.replace(record.update, objects=moved), T_ref_cam=T_ref_cam)
    for here, there in zip(evaluate_record(record), evaluate_record(fixed), strict=True):
        assert there.score.chamfer_mm == pytest.approx(here.score.chamfer_mm, abs=1e-3)


def test_without_measuring_names_stay_and_figures_are_absent(record):
    rows = evaluate_record(record, measure=False)
    assert [row.name for row in rows] == ["small", "large"]
    assert [row.score for row in rows] == [None, None]


def test_an_object_without_truth_is_listed_under_its_detected_class(record):
    bare = FrameRecord(
        "frame", record.frame, SceneUpdate(0, (scene_object(1, box(0.1), LEFT, Detection("mug", 0.9)),), (), (), True)
    )
    (row,) = evaluate_record(bare)
    assert (row.name, row.category, row.score) == ("mug", "mug", None)


def test_baselines_leave_open_what_the_camera_did_not_see(record):
    for row in evaluate_record(record, baselines=True):
        assert set(row.baselines) == {"visible points", "convex hull"}
        assert row.baselines["visible points"].hidden_10mm < 0.5
        assert np.isnan(row.baselines["visible points"].iou)
        assert 0 <= row.baselines["convex hull"].iou < 0.5  # the visible faces span little of the volume


def test_rejections_carry_the_name_of_what_was_missed(record):
    rejections = (
        Rejection(2, RejectionReason.TOO_FEW_DEPTH_POINTS, "12 points"),
        Rejection(1, RejectionReason.TIMEOUT, "30 s"),
    )
    refused = dataclasses.replace(record, update=SceneUpdate(0, (), rejections, (), True))
    assert [(row.label, row.name, row.reason) for row in rejected_rows(refused)] == [
        (1, "small", "timeout"),
        (2, "large", "too_few_depth_points"),
    ]


def test_mean_and_median_are_those_of_the_rows(record):
    rows = evaluate_record(record)
    tables = {(table.group, table.method): table for table in aggregate(rows + rows[:1])}
    assert set(tables) == {("all", "result"), ("boxes", "result"), ("large", "result")}
    everything = tables["all", "result"]
    large = rows[1].score
    assert everything.count == 3
    assert everything.mean["add_s_mm"] == pytest.approx(large.add_s_mm / 3, abs=1e-3)
    assert everything.median["add_s_mm"] == pytest.approx(0, abs=1e-3)
    assert tables["large", "result"].mean["scale_ratio"] == pytest.approx(large.scale_ratio)


def test_figures_that_do_not_apply_are_left_out_of_the_mean(record):
    rows = evaluate_record(record)
    unknown = dataclasses.replace(rows[0], score=dataclasses.replace(rows[0].score, iou=float("nan")))
    (everything,) = (table for table in aggregate([unknown, rows[1]]) if table.group == "all")
    assert everything.mean["iou"] == pytest.approx(rows[1].score.iou)


def test_nothing_compared_gives_no_table(record):
    assert aggregate(evaluate_record(record, measure=False)) == []
