"""Views agree with their truth, and the flaws of sensor and masks have the size they claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sam3d_ros.training.data.arranging import SceneKind, arrange, collides
from sam3d_ros.training.data.mask_flaws import MaskFlaws, draw_mask_flaws, spoil
from sam3d_ros.training.data.sensing import draw_sensor, expose, measure_depth
from sam3d_ros.training.data.shading import Shaded
from sam3d_ros.training.data.views import AMODAL, SPOILT, VISIBLE, scene_views


@pytest.fixture(scope="module")
def views(store):
    return [v for seed in range(9) for v in scene_views(store, store.ids(), SceneKind(seed % 3), seed, 2)]


def test_the_same_seed_gives_the_same_views(store, views):
    again = list(scene_views(store, store.ids(), SceneKind(0), 0, 2))
    for first, second in zip(views, again, strict=False):
        np.testing.assert_array_equal(first.color, second.color)
        np.testing.assert_array_equal(first.depth_mm, second.depth_mm)
        np.testing.assert_array_equal(first.masks, second.masks)
        np.testing.assert_array_equal(first.T_cam_obj, second.T_cam_obj)


def test_all_kinds_of_scenes_give_views(views):
    assert {view.kind for view in views} == set(SceneKind)
    assert len(views) >= 16


def test_masks_hold_what_their_names_say(views):
    for view in views:
        spoilt, visible, amodal = ((view.masks & bit) > 0 for bit in (SPOILT, VISIBLE, AMODAL))
        assert visible.sum() >= 120
        assert not (visible & ~amodal).any()
        assert visible.sum() / amodal.sum() >= view.visible - 0.05
        assert (spoilt & visible).sum() > 0.3 * visible.sum()


def test_measured_points_lie_at_the_true_surface(store, views):
    for view in views:
        on = ((view.masks & VISIBLE) > 0) & (view.depth_mm > 0)
        if on.sum() < 50:
            continue
        v, u = np.nonzero(on)
        z = view.depth_mm[on] / 1000
        p_cam = np.stack([(u - view.crop[2]) / view.crop[0] * z, (v - view.crop[3]) / view.crop[1] * z, z], axis=1)
        p_obj = (p_cam - view.T_cam_obj[:3, 3]) @ view.T_cam_obj[:3, :3]
        grid = store.get(view.object_id).distances
        where = np.rint((p_obj - grid.low) / (grid.high - grid.low) * (len(grid.values) - 1)).astype(int)
        inside = ((where >= 0) & (where < len(grid.values))).all(axis=1)
        distance = np.abs(grid.values[tuple(where[inside].T)]) / 127 * grid.truncation
        assert inside.mean() > 0.6
        assert np.median(distance) < 0.004 + 0.012 * np.median(z) ** 2


def test_up_is_against_gravity_and_poses_are_rigid(views):
    for view in views:
        rotation = view.T_cam_obj[:3, :3]
        assert np.abs(rotation @ rotation.T - np.eye(3)).max() < 1e-5
        assert np.linalg.norm(view.up_cam) == pytest.approx(1, abs=1e-5)
        assert view.up_cam[1] < 0.5  # the image's y runs down


def test_the_coarse_view_shows_the_object_where_the_crop_does(views):
    for view in views:
        v, u = np.nonzero(view.coarse_mask)
        ray = np.array([(u.mean() - view.coarse[2]) / view.coarse[0], (v.mean() - view.coarse[3]) / view.coarse[1]])
        rows, columns = np.nonzero(view.masks & SPOILT)
        own = [(columns.mean() - view.crop[2]) / view.crop[0], (rows.mean() - view.crop[3]) / view.crop[1]]
        assert np.abs(ray - own).max() < 0.03


def test_things_that_stand_on_a_table_do_not_go_through_each_other(store):
    scene = arrange(store, store.ids(), SceneKind.CAMERA, np.random.default_rng(3))
    for number, item in enumerate(scene.placed):
        others = scene.placed[:number]
        assert not any(collides(item.object, item.T_world_obj, other) for other in others)


def _wall(depth: float, size: int = 120) -> tuple[np.ndarray, Shaded]:
    ones = np.ones((size, size), np.float32)
    shaded = Shaded(0.4 * np.ones((size, size, 3), np.float32), ones, 0 * ones, 0.4 * ones)
    return depth * ones, shaded


def test_depth_noise_grows_with_the_square_of_the_distance():
    draw = replace(draw_sensor(SceneKind.CAMERA, np.random.default_rng(0)), wave=0.0, blind_share=0.0, scale_error=0.0)
    spread = []
    for distance in (0.5, 1.0, 2.0):
        measured = measure_depth(*_wall(distance), 600.0, draw, np.random.default_rng(0))
        spread.append(np.std(measured[measured > 0].astype(float)))
    assert 2.2 < spread[1] / max(spread[0], 0.3) < 6
    assert 2.5 < spread[2] / spread[1] < 6


def test_blind_patches_take_their_share():
    draw = replace(draw_sensor(SceneKind.ISOLATED, np.random.default_rng(0)), blind_share=0.3)
    measured = measure_depth(*_wall(0.7), 600.0, draw, np.random.default_rng(1))
    assert (measured == 0).mean() == pytest.approx(0.3, abs=0.03)


def test_one_picture_in_ten_loses_large_patches_of_depth():
    shares = np.array([draw_sensor(SceneKind.CAMERA, np.random.default_rng(k)).blind_share for k in range(600)])
    assert 0.07 < (shares >= 0.1).mean() < 0.13


def test_flying_pixels_hang_between_front_and_back():
    draw = replace(
        draw_sensor(SceneKind.CAMERA, np.random.default_rng(2)), smear_share=0.7, smear_px=3.0, blind_share=0
    )
    depth, shaded = _wall(0.9)
    depth[:, :60] = 0.6
    measured = measure_depth(depth, shaded, 600.0, draw, np.random.default_rng(1))
    flying = (measured > 640) & (measured < 860)
    assert 30 < flying.sum() < 1500
    assert not flying[:, :45].any()
    assert not flying[:, 75:].any()


def test_exposure_is_brighter_for_brighter_draws():
    _, shaded = _wall(1.0)
    draw = draw_sensor(SceneKind.ISOLATED, np.random.default_rng(0))
    dark, bright = (expose(shaded, replace(draw, exposure=e), np.random.default_rng(0)).mean() for e in (0.5, 1.5))
    assert bright > 1.3 * dark


def _disc() -> np.ndarray:
    v, u = np.mgrid[:100, :100]
    return (u - 50) ** 2 + (v - 50) ** 2 < 25**2


CLEAN = MaskFlaws(0.0, 0.0, 2.0, (0.0, 0.0), 0.0, 0.0)


@pytest.mark.parametrize(("growth", "radius"), [(0.0, 25), (3.0, 28), (-3.0, 22)])
def test_masks_grow_and_shrink_by_pixels(growth, radius):
    spoilt = spoil(_disc(), replace(CLEAN, growth=growth), 1.0, np.random.default_rng(0))
    assert np.sqrt(spoilt.sum() / np.pi) == pytest.approx(radius, abs=0.7)


def test_patches_are_lost_and_won_by_their_share():
    disc = _disc()
    lost = spoil(disc, replace(CLEAN, lost=0.2), 1.0, np.random.default_rng(0))
    won = spoil(disc, replace(CLEAN, spilled=0.2), 1.0, np.random.default_rng(0))
    assert 0.03 < 1 - lost.sum() / disc.sum() < 0.22
    assert 0.01 < won.sum() / disc.sum() - 1 < 0.2


def test_most_masks_of_camera_scenes_are_good_and_few_are_bad():
    disc, overlap = _disc(), []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        spoilt = spoil(disc, draw_mask_flaws(SceneKind.CAMERA, rng), 1.0, rng)
        overlap.append((spoilt & disc).sum() / (spoilt | disc).sum())
    assert 0.85 < np.median(overlap) < 0.98
    assert np.quantile(overlap, 0.05) > 0.6
