"""Scenes, camera and programs of the completion benchmark."""

from __future__ import annotations

import json

import bench_completion
import numpy as np
import pytest
from completion_methods import BackendMethod, PointsMethod, sam3d_makers
from depth_camera import ORDINARY, STRAY, Flaws, draw_masks, measure_depth
from frame_sheet import VIEWS, draw_sheet
from real_frames import RealFrame, grown, measure_frame
from scanned_scenes import make_scene

from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.truth.truth_object import TruthObject

FLAWLESS = Flaws(
    disparity_noise=0.0, disparity_wave=0.0, disparity_step=1e-4, wander=0.0, mixed=0.0, lost=0.0, dark=0.0, grazing=0.0
)


@pytest.fixture(scope="module")
def scene(scans):
    return make_scene(scans, 1003)


@pytest.fixture(scope="module")
def stray_scene(scans):
    return make_scene(scans, 1003, STRAY)


def step_image():
    """A near square before a far wall."""
    depth = np.full((60, 200), 1.0)
    depth[20:40, 100:150] = 0.5
    return depth


def measured(depth, flaws, seed=0, cosine=1.0, luminance=0.5):
    planes = np.full(depth.shape, cosine), np.full(depth.shape, luminance)
    return measure_depth(depth, *planes, focal=600.0, flaws=flaws, rng=np.random.default_rng(seed))


def test_a_flawless_camera_measures_the_truth_except_where_one_eye_sees_nothing():
    depth = step_image()
    found = measured(depth, FLAWLESS)
    known = np.isfinite(found)
    np.testing.assert_allclose(found[known], depth[known], atol=1e-3)
    # Disparities are 60 and 30 px: 30 px beside the square are hidden from the other eye, on one side of it.
    assert (~known[30]).sum() == pytest.approx(30, abs=2)
    assert (~known[30, 70:100]).mean() > 0.9
    assert known[5].all()


def test_noise_grows_with_the_square_of_the_distance():
    noisy = Flaws(disparity_wave=0.0, disparity_step=1e-4, wander=0.0, mixed=0.0, lost=0.0)
    near, far = (np.nanstd(measured(np.full((80, 100), z), noisy)) for z in (0.5, 1.5))
    assert far / near == pytest.approx(9, rel=0.15)
    assert near == pytest.approx(0.055 * 0.5**2 / 30, rel=0.2)


@pytest.mark.parametrize(("cosine", "luminance"), [(0.05, 0.5), (1.0, 0.005)])
def test_grazing_and_dark_surfaces_have_holes(cosine, luminance):
    assert np.isnan(measured(step_image(), ORDINARY, cosine=cosine, luminance=luminance)).mean() > 0.5


def test_masks_of_the_harder_camera_hold_depth_of_what_is_behind():
    depth = step_image()
    labels = (depth < 0.7).astype(np.int32)
    for seed in range(3):
        mask = draw_masks(labels, depth, STRAY, np.random.default_rng(seed)) == 1
        assert (depth[mask] > 0.7).sum() > 80  # two pixels around the square are 296
        found = measured(depth, STRAY, seed)[mask]
        assert ((found > 0.55) & (found < 0.95)).any()


def test_a_scene_holds_a_few_objects_on_a_table_in_view(scene):
    assert 1 <= len(scene.truth) <= 5
    for item in scene.truth:
        pixels = scene.frame.camera.project(item.T_cam_obj.apply(item.mesh.vertices))
        assert (pixels > 0).all()
        assert (pixels < [scene.frame.camera.width - 1, scene.frame.camera.height - 1]).all()
        assert 0.35 < item.T_cam_obj.translation_xyz[2] < 1.2
        drawn, true = scene.frame.labels == item.label, scene.true_labels == item.label
        assert (drawn & true).sum() / (drawn | true).sum() > 0.7
        depth = scene.frame.pointmap[true][:, 2]
        assert np.isfinite(depth).mean() > 0.4


def test_objects_of_a_scene_do_not_stand_in_each_other(scans):
    from sam3d_ros.geometry.volume import occupancy

    for seed in (1001, 1002):
        posed = [item.mesh.transformed(item.T_cam_obj) for item in make_scene(scans, seed).truth]
        for k, first in enumerate(posed):
            for second in posed[:k]:
                assert not occupancy(first, second.vertices).any()


def test_a_scene_is_the_same_for_the_same_seed_and_stands_alike_with_other_flaws(scans, scene, stray_scene):
    again = make_scene(scans, 1003)
    np.testing.assert_array_equal(again.frame.color, scene.frame.color)
    np.testing.assert_array_equal(again.frame.pointmap, scene.frame.pointmap)
    np.testing.assert_array_equal(stray_scene.true_labels, scene.true_labels)
    assert (stray_scene.frame.labels > 0).sum() > 1.05 * (scene.frame.labels > 0).sum()


def test_colours_in_the_image_are_those_of_the_texture(scans):
    yellow = next(item for item in scans if item.name == "ycb_lemon")
    scene = make_scene([yellow], 7)
    red, green, blue = scene.frame.color[scene.true_labels == scene.truth[0].label].mean(axis=0)
    assert red > 1.4 * blue
    assert green > 1.2 * blue


def test_the_program_writes_sane_tables_of_the_baselines(shared_data, tmp_path, capsys):
    arguments = ["--scenes", "1", "--seed", "1003", "--methods", "visible,hull", "--stray", "--output", str(tmp_path)]
    bench_completion.main([*arguments, "--data", str(shared_data)])
    content = json.loads((tmp_path / "results.json").read_text())
    ordinary, stray = (
        {entry["method"]: entry["figures"] for entry in content["sets"][name]["methods"]}
        for name in ("ordinary", "stray")
    )
    assert 2 < ordinary["visible points"]["chamfer_mm"]["mean"] < 15
    assert 0.4 < ordinary["visible points"]["f_5mm"]["mean"] < 0.95
    assert ordinary["hull of visible points"]["closed"]["mean"] == 1.0
    assert 0 < ordinary["hull of visible points"]["iou"]["mean"] < 0.9
    hulls = [table["hull of all depth in the mask"]["chamfer_mm"]["mean"] for table in (ordinary, stray)]
    assert hulls[1] > hulls[0]
    assert (tmp_path / "results.md").read_text().startswith("## ordinary scenes")
    assert "stray scenes" in capsys.readouterr().out
    _what_is_measured_is_not_measured_again([*arguments, "--data", str(shared_data)], tmp_path)


def _what_is_measured_is_not_measured_again(arguments, folder):
    rows = (folder / "rows.jsonl").read_text()
    bench_completion.main(arguments)
    assert (folder / "rows.jsonl").read_text() == rows


def test_the_program_says_what_it_lacks(capsys):
    with pytest.raises(SystemExit):
        bench_completion.main(["--methods", "magic"])
    assert "no method is called 'magic'" in capsys.readouterr().err


def test_grown_masks_are_larger_by_as_many_pixels_and_keep_their_labels():
    labels = np.zeros((40, 60), np.int32)
    labels[10:20, 10:20], labels[10:20, 24:34] = 1, 2
    larger = grown(labels, 3)
    assert (larger[15, 7:10] == 1).all()
    assert larger[15, 6] == 0
    np.testing.assert_array_equal(larger[labels > 0], labels[labels > 0])
    assert (larger[15, 20:22] == 1).all()
    assert (larger[15, 22:24] == 2).all()


def test_a_frame_is_measured_where_the_truth_is_known_and_drawn_everywhere(scene):
    first = scene.truth[0]
    known = TruthObject(first.label, first.name, first.mesh, first.T_cam_obj)
    method = PointsMethod("hull of visible points", clean=True, hull=True)
    real = RealFrame("made", scene.true_frame, (known,))
    answers, rows, asked = measure_frame(real, method, 2)
    assert {row.name for row in rows} == {first.name}
    assert len(answers) == len(asked.instance_labels()) == len(scene.truth)
    assert isinstance(asked, Frame)
    sheet = draw_sheet(asked, answers)
    tile = sheet.shape[1] // (2 * len(VIEWS))
    assert sheet.shape == (480 + tile * ((len(answers) + 1) // 2), 8 * tile, 3)
    behind = sheet[480:, 2 * tile : 3 * tile]
    assert (behind != 255).any(axis=-1).mean() > 0.05


def test_a_backend_answers_in_the_camera_frame_with_its_time_or_says_why_not(scene):
    item = scene.truth[0]
    found, missing = BackendMethod("fake", "fake").answer(scene.frame, [item.label, 77])
    seen = scene.frame.pointmap[scene.true_labels == item.label]
    assert np.linalg.norm(found.mesh.box_centre - np.nanmean(seen, axis=0)) < 0.15
    assert found.milliseconds > 0
    assert np.linalg.norm(found.up) == pytest.approx(1)
    assert missing.mesh is None
    assert missing.rejected.startswith("empty_mask: ")


def test_weights_and_steps_make_one_method_each(tmp_path):
    makers = sam3d_makers([("sft", tmp_path / "a"), ("distill", tmp_path / "b")], [1, 4])
    assert list(makers) == ["sft, 1 step", "sft, 4 steps", "distill, 1 step", "distill, 4 steps"]
    with pytest.raises(ValueError, match="no such folder"):
        makers["distill, 4 steps"]()
