"""Jitter, spread and drift of followed objects: known motions give known figures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.symmetries import SymmetryAxis, discretised_symmetries
from sam3d_ros.pipeline import Frame, Quality
from sam3d_ros.replay.frames.results import FrameRecord
from sam3d_ros.replay.scores.tracks import TrackRecorder
from sam3d_ros.replay.truth.truth_object import TruthObject
from sam3d_ros.tracking import ObjectState, SceneObject, SceneUpdate

CAMERA = PinholeCamera(8, 6, 10.0, 10.0, 3.5, 2.5)
MESH = Mesh(np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]]), np.array([[0, 1, 2]]), np.full((3, 3), 9))
FRAME = Frame(np.zeros((6, 8, 3), np.uint8), np.full((6, 8, 3), 0.5, np.float32), np.ones((6, 8), np.int32), CAMERA)


def posed(xyz=(0.0, 0.0, 0.0), degrees=0.0, axis=(0.0, 0.0, 1.0)) -> SE3:
    turn = Rotation.from_rotvec(np.radians(degrees) * np.asarray(axis))
    return SE3.from_rotation(turn.as_matrix(), np.asarray(xyz, np.float64))


def record(
    T_ref_obj, *, truth=None, T_ref_cam=None, version=1, state=ObjectState.COMPLETE, name="cup", symmetries=None
):
    item = SceneObject(
        object_id=4,
        label=1,
        detection=None,
        state=state,
        mesh=MESH,
        mesh_version=version,
        T_ref_obj=T_ref_obj,
        covariance=np.eye(6),
        scale=0.1,
        quality=Quality(),
        stamp_ns=0,
    )
    known = {"symmetries": symmetries} if symmetries else {}
    truths = () if truth is None else (TruthObject(1, name, MESH, truth, **known),)
    return FrameRecord("f", FRAME, SceneUpdate(0, (item,), (), (), True), truths, T_ref_cam)


def row_of(records):
    recorder = TrackRecorder("bag")
    for item in records:
        recorder.add(item)
    (row,) = recorder.rows()
    return row


def test_noise_is_measured_as_its_standard_deviation_with_and_without_truth():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.001, (2000, 3))
    turns = rng.normal(0, 0.5, 2000)
    poses = [posed(xyz, turn) for xyz, turn in zip(noise, turns, strict=True)]
    for row in (row_of(record(pose) for pose in poses), row_of(record(pose, truth=posed()) for pose in poses)):
        # The centre of the box lies off the origin, so turning moves it too.
        lever = np.linalg.norm(MESH.box_centre) * np.radians(0.5) * 1e3
        assert row.jitter_mm == pytest.approx(np.hypot(np.sqrt(3), lever), rel=0.05)
        assert row.jitter_deg == pytest.approx(0.5, rel=0.05)


def test_steady_motion_is_no_jitter():
    row = row_of(record(posed((0.01 * k, 0, 0), 3.0 * k)) for k in range(20))
    centre_turns_mm = 1e3 * np.linalg.norm(MESH.box_centre) * np.radians(3) ** 2 / np.sqrt(6)
    assert row.jitter_mm == pytest.approx(centre_turns_mm, rel=0.01)
    assert row.jitter_deg == pytest.approx(0, abs=1e-6)
    assert np.isnan(row.drift_mm)


def test_an_object_that_follows_its_moving_truth_stands_still_whatever_the_camera_does():
    offset = posed((0.02, 0, 0), 40, (1, 0, 0))
    records = []
    for k in range(30):
        T_ref_cam, T_ref_true = posed((0.1 * k, 0, 1), 5 * k, (0, 1, 0)), posed((0, 0.05 * k, 0), 7 * k)
        records.append(record(T_ref_true @ offset, truth=T_ref_cam.inverse() @ T_ref_true, T_ref_cam=T_ref_cam))
    row = row_of(records)
    figures = (row.jitter_mm, row.jitter_deg, row.spread_mm, row.spread_deg, row.drift_mm, row.drift_deg)
    assert figures == pytest.approx([0] * 6, abs=1e-4)


def test_drift_counts_from_where_the_mesh_was_made_and_starts_anew_with_the_next():
    first = [record(posed((0.001 * k, 0, 0)), truth=posed()) for k in range(21)]
    assert row_of(first).drift_mm == pytest.approx(1e3 * np.quantile(0.001 * np.arange(1, 21), 0.95), rel=1e-3)
    second = [record(posed((0.5, 0, 0)), truth=posed(), version=2) for _ in range(5)]
    row = row_of([*first, *second])
    assert row.meshes == 2
    assert row.drift_mm < 21


def test_gaps_are_no_jitter_and_unseen_frames_are_counted():
    steps = [0.0, 0.0, None, 0.1, 0.1]
    unseen = record(posed(), state=ObjectState.UNSEEN)
    row = row_of(unseen if x is None else record(posed((x, 0, 0))) for x in steps)
    assert (row.frames, row.unseen) == (4, 1)
    assert np.isnan(row.jitter_mm)


def test_uneven_intervals_are_no_jitter():
    """A node that drops frames while the object moves on steadily."""
    stamps = [0.0, 0.1, 0.3, 0.4, 0.7, 0.8]
    records = [record(posed((0.2 * t, 0, 0))) for t in stamps]
    timed = [
        dataclasses.replace(r, frame=dataclasses.replace(FRAME, stamp_ns=round(1e9 * t)))
        for r, t in zip(records, stamps, strict=True)
    ]
    assert row_of(records).jitter_mm > 5
    assert np.isnan(row_of(timed).jitter_mm)


def test_an_id_that_goes_over_to_another_object_is_counted():
    row = row_of(record(posed(), truth=posed(), name=name) for name in ("cup", "cup", "can", "cup"))
    assert row.switches == 2


def test_a_turn_that_shows_no_difference_is_no_drift():
    symmetries = discretised_symmetries(axes=[SymmetryAxis(np.array([0, 0, 1.0]), MESH.box_centre)])
    turned = posed(MESH.box_centre) @ posed(degrees=33) @ posed(-MESH.box_centre)
    plain = row_of([record(posed(), truth=posed()), record(turned, truth=posed())])
    known = row_of([record(p, truth=posed(), symmetries=symmetries) for p in (posed(), turned)])
    assert plain.drift_deg == pytest.approx(33, rel=1e-6)
    assert known.drift_deg < 360 / 315
    assert known.drift_mm < 0.01
