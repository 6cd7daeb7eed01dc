"""Figures of the completion benchmark on shapes and tables whose answers can be worked out on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from completion_measure import FIGURES, Row, score
from completion_methods import Answer
from completion_rows import RowStore
from completion_tables import interval, markdown, ratio_table, ratios, summary

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.scores.shape_score import TruthSurface
from sam3d_ros.replay.truth.truth_object import TruthObject

CAMERA = PinholeCamera(160, 120, 200.0, 200.0, 79.5, 59.5)
RADIUS = 0.05
PLACE = np.array([0.01, -0.02, 0.7])
NAMES = ("scene", "ball", "toy", "method")


def ball(shift=(0.0, 0.0, 0.0), radius=RADIUS) -> Mesh:
    shape = trimesh.creation.icosphere(subdivisions=5, radius=radius)
    return Mesh(shape.vertices + PLACE + shift, shape.faces, np.full((len(shape.vertices), 3), 128))


@pytest.fixture(scope="module")
def truth() -> TruthSurface:
    mesh = ball()
    seen = render([mesh], [SE3.identity()], CAMERA)
    pointmap = (CAMERA.rays() * seen.depth[..., None]).astype(np.float32)
    frame = Frame(seen.color, pointmap, (seen.index + 1).astype(np.int32), CAMERA)
    return TruthSurface.of(TruthObject(1, "ball", mesh, SE3.identity()), frame)


def test_two_balls_apart_by_a_shift_have_the_figures_that_integrals_give(truth):
    # From a point of one sphere, the other, d away, is | |p - c| - R | away. |p - c| = s has the density s / (2 R d)
    # between R - d and R + d, so the mean distance is d / 2 and the share below t is t / d. The common volume is that
    # of two caps.
    d = 0.0125
    row = score(Answer(1, mesh=ball((d, 0, 0))), truth, NAMES)
    common = np.pi * (4 * RADIUS + d) * (2 * RADIUS - d) ** 2 / 12
    joint = 2 * 4 / 3 * np.pi * RADIUS**3 - common
    assert row.chamfer_mm == pytest.approx(1e3 * d / 2, abs=0.05)
    assert row.add_s_mm == pytest.approx(1e3 * d / 2, abs=0.05)
    assert row.f_5mm == pytest.approx(0.005 / d, abs=0.01)
    assert row.iou == pytest.approx(common / joint, abs=0.005)
    assert (row.add_s, row.closed) == (1.0, 1.0)


def test_a_larger_ball_at_the_same_place_is_off_by_the_difference_of_the_radii(truth):
    row = score(Answer(1, mesh=ball(radius=RADIUS + 0.012)), truth, NAMES)
    assert row.chamfer_mm == pytest.approx(12, abs=0.05)
    assert (row.f_5mm, row.hidden_10mm, row.deep_10mm) == (0, 0, 0)
    assert row.iou == pytest.approx((50 / 62) ** 3, abs=0.005)
    assert row.add_s == 0.0  # 12 mm of a diameter of 100


def test_the_seen_side_alone_finds_what_is_hidden_only_near_the_horizon(truth):
    row = score(Answer(1, points=truth.points[~truth.hidden]), truth, NAMES)
    # A little less than half is seen; 10 mm behind the horizon of a ball of 50 mm there is a fifth of the other half.
    assert 0.15 < row.hidden_10mm < 0.25
    assert row.deep_10mm == pytest.approx((0.01 - 0.005) / (0.05 - 0.005), abs=0.04)
    assert np.isnan(row.iou)
    assert np.isnan(row.closed)


def test_a_mesh_with_a_hole_or_turned_inside_out_is_not_closed(truth):
    whole = ball()
    holed = Mesh(whole.vertices, whole.triangles[1:], whole.vertex_colors)
    turned = Mesh(whole.vertices, whole.triangles[:, ::-1], whole.vertex_colors)
    flipped = Mesh(
        whole.vertices, np.concatenate([whole.triangles[:1, ::-1], whole.triangles[1:]]), whole.vertex_colors
    )
    for mesh in (holed, turned, flipped):
        assert score(Answer(1, mesh=mesh), truth, NAMES).closed == 0.0


def test_a_rejected_object_counts_as_a_failure_in_every_mean(truth):
    row = score(Answer(1, rejected="too_few_depth_points: 3"), truth, NAMES)
    assert row.chamfer_mm == pytest.approx(50, abs=0.5)  # half the diameter
    failed = (row.f_5mm, row.hidden_10mm, row.deep_10mm, row.iou, row.add_s, row.closed)
    assert failed == (0, 0, 0, 0, 0, 0)
    good = score(Answer(1, mesh=ball()), truth, NAMES)
    (entry,) = summary([row, replace(good, label=2)])
    assert entry["figures"]["f_5mm"]["mean"] == pytest.approx(0.5)
    assert entry["figures"]["closed"]["mean"] == pytest.approx(0.5)
    assert entry["rejected"] == ["scene ball: too_few_depth_points: 3"]


def rows(figure_by_scene: dict[str, list[float]], method: str = "m") -> list[Row]:
    numbers = dict.fromkeys((figure.key for figure in FIGURES), 0.0)
    return [
        Row(scene, 1, "x", "toy", method, **(numbers | {"f_5mm": value}), add_s_mm=0.0, milliseconds=1.0)
        for scene, found in figure_by_scene.items()
        for value in found
    ]


def test_the_interval_of_equal_scenes_has_no_width_and_that_of_many_is_as_statistics_say():
    same = interval(rows({"a": [0.2, 0.6], "b": [0.4, 0.4]}), "f_5mm")
    assert (same["low"], same["mean"], same["high"]) == pytest.approx((0.4, 0.4, 0.4))
    draws = np.random.default_rng(3).normal(0.5, 0.1, 200)
    found = interval(rows({str(k): [float(x)] for k, x in enumerate(draws)}), "f_5mm")
    half = 1.96 * draws.std() / np.sqrt(len(draws))
    assert found["low"] == pytest.approx(draws.mean() - half, abs=0.15 * half)
    assert found["high"] == pytest.approx(draws.mean() + half, abs=0.15 * half)


def test_objects_of_a_scene_do_not_count_as_independent():
    # Ten copies of each object tell no more than one of each.
    one = interval(rows({str(k): [k / 10] for k in range(8)}), "f_5mm")
    ten = interval(rows({str(k): [k / 10] * 10 for k in range(8)}), "f_5mm")
    assert ten == pytest.approx(one)


def test_ratios_are_above_one_where_the_first_is_better_whichever_way_a_figure_points():
    fast = [replace(row, chamfer_mm=4.0, f_5mm=0.9) for row in rows({"a": [0.0]}, "fast")]
    full = [replace(row, chamfer_mm=5.0, f_5mm=0.6) for row in rows({"a": [0.0]}, "full")]
    shares = ratios(summary(fast + full), "fast", "full")
    assert shares["chamfer_mm"] == pytest.approx(1.25)
    assert shares["f_5mm"] == pytest.approx(1.5)
    assert np.isnan(shares["iou"])  # nothing of nothing
    assert "125.0 %" in ratio_table("fast / full", shares)


def test_the_tables_name_methods_classes_and_rejections():
    found = rows({"a": [0.5], "b": [0.7]}, "visible points")
    text = markdown("ordinary", summary([*found, replace(found[0], method="other", rejected="timeout: 3 s")]))
    assert "| visible points | 0.00 (0.00 to 0.00) | 0.600 (0.500 to 0.700) |" in text
    assert "| toy | 2 | 0.600 | 0.500 |" in text
    assert "- other: a x: timeout: 3 s" in text


def test_rows_come_back_from_disk_and_half_measured_methods_stay_out_of_tables(tmp_path):
    found = [replace(row, iou=float("nan")) for row in rows({"a": [0.5], "b": [0.7]})]
    store = RowStore(tmp_path)
    store.add("ordinary", found)
    store.add("ordinary", [replace(found[0], method="late")])
    again = RowStore(tmp_path)
    assert again.measured("ordinary", "a") == {"m", "late"}
    assert again.measured("ordinary", "b") == {"m"}
    assert again.measured("stray", "a") == set()
    assert [(row.scene, row.method, row.f_5mm) for row in again.of("ordinary", {"a", "b", "c"})] == [
        ("a", "m", 0.5),
        ("b", "m", 0.7),
    ]
    assert {row.method for row in again.of("ordinary", {"a"})} == {"m", "late"}
    assert np.isnan(again.of("ordinary", {"a"})[0].iou)
