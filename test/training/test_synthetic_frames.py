"""Frames of synthetic scenes: the same each time, and in agreement with their truth."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.training.synthetic import (
    CameraPath,
    DepthSensor,
    MaskNoise,
    SceneConfig,
    SequenceConfig,
    film,
    look_at,
)
from sam3d_ros.training.synthetic.photograph import Photograph

CAMERA = PinholeCamera(320, 240, 304.0, 304.0, 159.5, 119.5)
CONFIG = SequenceConfig(SceneConfig(seed=3, props=("mug", "duck", "can")), camera=CAMERA, frames=2)


@pytest.fixture(scope="module")
def shots():
    return list(film(CONFIG))


def test_the_same_config_makes_the_same_frames(shots):
    for first, second in zip(shots, film(CONFIG), strict=True):
        np.testing.assert_array_equal(first.frame.color, second.frame.color)
        np.testing.assert_array_equal(first.depth_mm, second.depth_mm)
        np.testing.assert_array_equal(first.frame.labels, second.frame.labels)


def test_another_seed_makes_another_frame(shots):
    other = next(iter(film(SequenceConfig(SceneConfig(seed=4, props=("mug", "duck", "can")), camera=CAMERA, frames=1))))
    assert (other.frame.color != shots[0].frame.color).mean() > 0.2


def test_posed_truth_renders_to_the_depth_and_the_labels_of_the_picture(shots):
    for shot in shots:
        truth = shot.truth
        rendering = render([item.mesh for item in truth], [item.T_cam_obj for item in truth], CAMERA)
        labels = np.array([0, *(item.label for item in truth)])[rendering.index + 1]
        assert (labels == shot.clean_labels).mean() > 0.999
        both = (labels > 0) & (labels == shot.clean_labels)
        assert np.abs(rendering.depth - shot.clean_depth)[both].max() < 1e-3


def test_measured_depth_is_the_truth_within_the_noise_of_the_sensor(shots):
    for shot in shots:
        measured = shot.depth_mm / 1000.0
        inside = (shot.depth_mm > 0) & (shot.clean_labels > 0)
        error = np.abs(measured - shot.clean_depth)[inside]
        disparity_error = CONFIG.depth.disparity_noise_px / (CAMERA.fx * CONFIG.depth.baseline)
        assert np.median(error) < 1.5 * disparity_error * np.median(measured[inside]) ** 2


def test_masks_are_ragged_but_cover_their_object(shots):
    for shot in shots:
        for item in shot.objects:
            drawn, true = shot.frame.labels == item.label, shot.clean_labels == item.label
            overlap = (drawn & true).sum() / (drawn | true).sum()
            assert 0.7 < overlap < 1.0


def test_a_mesh_posed_by_the_moving_camera_covers_its_mask(shots):
    for shot in shots:
        T_cam_world = shot.T_world_cam.inverse()
        for item in shot.objects:
            alone = render([item.prop.mesh], [T_cam_world @ item.T_world_obj], CAMERA).index >= 0
            mask = shot.frame.labels == item.label
            assert (alone & mask).sum() / mask.sum() > 0.8


def test_the_camera_keeps_the_table_in_its_middle():
    path = CameraPath(seed=9)
    for time in np.linspace(0, 1, 7):
        u, v = CAMERA.project(path.pose(time).inverse().apply(path.target))
        assert abs(u - CAMERA.cx) < 50
        assert abs(v - CAMERA.cy) < 50


def test_the_camera_moves_smoothly():
    path = CameraPath(seed=2)
    eyes = np.array([path.pose(time).translation_xyz for time in np.linspace(0, 1, 200)])
    steps = np.linalg.norm(np.diff(eyes, axis=0), axis=1)
    assert 0 < steps.max() < 0.02


def test_looking_at_a_point_puts_it_on_the_optical_axis():
    pose = look_at((1.0, 2.0, 3.0), (0.5, 0.0, 0.0))
    x, y, z = pose.inverse().apply([0.5, 0.0, 0.0])
    assert (x, y) == pytest.approx((0, 0), abs=1e-9)
    assert z > 0


def _wall(depth: float, size: int = 80) -> Photograph:
    plane = np.full((size, size), depth)
    zeros = np.zeros_like(plane)
    return Photograph(np.zeros((size, size, 3)), plane, zeros.astype(np.int32), zeros + 1, zeros, zeros)


def test_depth_noise_grows_with_the_square_of_the_distance():
    sensor, spread = DepthSensor(), []
    for depth in (0.5, 1.0, 2.0):
        measured = sensor.measure(_wall(depth), 600.0, np.random.default_rng(0)).astype(float)
        spread.append(np.std(measured[measured > 0]))
    assert spread[1] / spread[0] == pytest.approx(4, rel=0.4)
    assert spread[2] / spread[1] == pytest.approx(4, rel=0.4)


def test_what_an_edge_hides_from_the_second_imager_has_no_depth():
    picture = _wall(1.0)
    depth = picture.depth.copy()
    depth[:, 40:60] = 0.5
    hidden = Photograph(picture.color, depth, picture.labels, picture.facing, picture.gloss, picture.darkness)
    measured = DepthSensor(edge_shift_px=0.0, mixed_share=0.0).measure(hidden, 600.0, np.random.default_rng(1))
    shadow, beyond = measured[:, 12:38], measured[:, 62:]
    assert (shadow == 0).mean() > 0.9, "the strip beside the nearer edge is in the stereo shadow"
    assert (beyond == 0).mean() < 0.1


def test_grazing_and_glossy_surfaces_drop_out():
    picture = _wall(1.0)
    grazing = Photograph(
        picture.color, picture.depth, picture.labels, picture.facing * 0.02, picture.gloss, picture.darkness
    )
    glossy = Photograph(
        picture.color, picture.depth, picture.labels, picture.facing, picture.gloss + 1, picture.darkness
    )
    for spoilt in (grazing, glossy):
        assert (DepthSensor().measure(spoilt, 600.0, np.random.default_rng(0)) == 0).mean() > 0.9


def test_mask_noise_moves_borders_by_pixels_and_invents_no_label():
    labels = np.zeros((100, 100), np.int32)
    labels[30:70, 30:70] = 7
    drawn = MaskNoise().draw(labels, np.random.default_rng(0))
    assert set(np.unique(drawn)) == {0, 7}
    assert (drawn[38:62, 38:62] == 7).all()
    assert (drawn[:20] == 0).all()
    assert (drawn != labels).any()
