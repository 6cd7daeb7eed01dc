"""Figures against shapes whose figures can be worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.scores.shape_score import TruthSurface, score_mesh, score_points
from sam3d_ros.replay.truth.truth_object import TruthObject

CAMERA = PinholeCamera(160, 120, 200.0, 200.0, 79.5, 59.5)
POSE = SE3(np.array([1.0, 0, 0, 0]), np.array([0.02, -0.01, 0.6]))
EDGE = 0.1


def box(*edges: float) -> Mesh:
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * edges
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(triangles), np.full((8, 3), 128))


def frame_of(mesh: Mesh, T_cam_obj: SE3) -> Frame:
    rendering = render([mesh], [T_cam_obj], CAMERA)
    pointmap = (CAMERA.rays() * rendering.depth[..., None]).astype(np.float32)
    return Frame(rendering.color, pointmap, (rendering.index + 1).astype(np.int32), CAMERA)


@pytest.fixture(scope="module")
def truth() -> TruthSurface:
    mesh = box(EDGE, EDGE, EDGE)
    return TruthSurface.of(TruthObject(1, "box", mesh, POSE), frame_of(mesh, POSE))


def posed(mesh: Mesh, shift=(0.0, 0.0, 0.0)) -> Mesh:
    return mesh.transformed(SE3(POSE.quat_wxyz, POSE.translation_xyz + np.array(shift)))


def test_the_truth_itself_is_perfect(truth):
    score = score_mesh(posed(box(EDGE, EDGE, EDGE)), truth)
    assert score.chamfer_mm == pytest.approx(0, abs=1e-3)
    assert score.f_5mm == 1.0
    assert score.f_10mm == 1.0
    assert score.hidden_10mm == 1.0
    assert score.iou == pytest.approx(1.0)
    assert score.add_s_below_tenth == 1.0
    assert score.scale_ratio == pytest.approx(1.0, abs=0.01)
    assert score.centre_mm < 0.5


def test_a_box_shifted_by_half_its_edge_shares_a_third_of_the_volume(truth):
    score = score_mesh(posed(box(EDGE, EDGE, EDGE), (EDGE / 2, 0, 0)), truth)
    assert score.iou == pytest.approx(1 / 3, abs=0.02)
    assert score.centre_mm == pytest.approx(50, abs=0.5)
    assert score.scale_ratio == pytest.approx(1.0, abs=0.01)


def test_chamfer_and_add_s_of_a_shifted_box_follow_from_its_faces(truth):
    # Shifted by s = 10 mm along x, edge 100 mm. Of the true surface, the face left behind is s away; the opposite face
    # is inside the result, min(s, distance to a side) away, which is 50/3 (1 - 0.8^3) mm in the mean; of the four sides
    # a tenth sticks out and is s/2 away in the mean. Seen from the result all is the same.
    score = score_mesh(posed(box(EDGE, EDGE, EDGE), (0.01, 0, 0)), truth)
    expected_mm = (10 + 50 / 3 * (1 - 0.8**3) + 4 * 0.1 * 5) / 6
    assert score.add_s_mm == pytest.approx(expected_mm, abs=0.03)
    assert score.chamfer_mm == pytest.approx(expected_mm, abs=0.03)


def test_a_box_of_twice_the_size_has_an_eighth_of_common_volume_and_size_ratio_two(truth):
    score = score_mesh(posed(box(2 * EDGE, 2 * EDGE, 2 * EDGE)), truth)
    assert score.iou == pytest.approx(1 / 8, abs=0.01)
    assert score.scale_ratio == pytest.approx(2.0, abs=0.02)
    assert score.add_s_mm == pytest.approx(50, abs=1e-3)  # every true face is 50 mm below its counterpart
    assert score.add_s_below_tenth == 0.0
    assert score.f_10mm == 0.0
    assert score.centre_mm < 1.0


def test_a_result_far_away_scores_nothing(truth):
    score = score_mesh(posed(box(EDGE, EDGE, EDGE), (0, 0, 1.0)), truth)
    assert score.chamfer_mm > 850
    assert (score.f_5mm, score.f_10mm, score.hidden_10mm, score.iou) == (0, 0, 0, 0)


def test_the_camera_sees_one_face_of_a_box_in_front_of_it_and_four_or_five_are_hidden(truth):
    # The box stands slightly off the axis: its front face is seen, and narrow views of two sides at most.
    assert 0.6 < truth.hidden.mean() < 0.86
    front = truth.points[:, 2] < POSE.translation_xyz[2] - EDGE / 2 + 1e-6
    inner = front & (np.abs(truth.points[:, :2] - POSE.translation_xyz[:2]) < 0.045).all(axis=1)
    assert inner.any()
    assert not truth.hidden[inner].any()
    back = truth.points[:, 2] > POSE.translation_xyz[2] + EDGE / 2 - 1e-6
    assert truth.hidden[back].all()


def test_visible_points_alone_leave_the_hidden_side_uncovered(truth):
    seen = truth.points[~truth.hidden]
    score = score_points(seen, truth)
    assert np.isnan(score.iou)
    assert score.hidden_10mm < 0.4
    assert score.f_5mm < 0.6


def test_what_another_object_covers_counts_as_hidden():
    mesh = box(EDGE, EDGE, EDGE)
    frame = frame_of(mesh, POSE)
    open_view = TruthSurface.of(TruthObject(1, "box", mesh, POSE), frame)
    frame.labels[:, 80:] *= 2
    covered = TruthSurface.of(TruthObject(1, "box", mesh, POSE), frame)
    assert covered.hidden.sum() > open_view.hidden.sum()
    assert covered.hidden[open_view.hidden].all()


def test_a_truth_outside_the_image_is_all_hidden():
    mesh = box(EDGE, EDGE, EDGE)
    away = SE3(POSE.quat_wxyz, np.array([5.0, 0.0, 0.6]))
    assert TruthSurface.of(TruthObject(1, "box", mesh, away), frame_of(mesh, POSE)).hidden.all()
