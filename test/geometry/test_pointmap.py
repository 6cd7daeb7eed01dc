"""Depth images as cameras publish them (REP 117, REP 118) and what becomes of each value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.geometry.pointmap import (
    PointmapError,
    depth_to_metres,
    depth_to_pointmap,
    pointmap_to_depth,
    pointmap_to_depth_mm,
    resample_pointmap,
)

CAMERA = PinholeCamera(8, 6, 10.0, 11.0, 3.4, 2.6)


def depth_of(value, dtype=np.float32):
    return np.full((CAMERA.height, CAMERA.width), value, dtype)


@pytest.mark.parametrize("value", [0.0, -0.0, -1.0, np.nan, np.inf, -np.inf])
def test_float_depth_that_measured_nothing_becomes_nan_in_all_coordinates(value):
    depth = depth_of(1.5)
    depth[2, 3] = value
    pointmap = depth_to_pointmap(depth, CAMERA)
    assert np.isnan(pointmap[2, 3]).all()
    assert np.isnan(pointmap).any(axis=-1).sum() == 1


def test_integer_depth_is_millimetres_and_zero_is_nothing():
    depth = depth_of(1234, np.uint16)
    depth[0, 0], depth[1, 1] = 0, 65535
    pointmap = depth_to_pointmap(depth, CAMERA)
    assert np.isnan(pointmap[0, 0]).all()
    assert pointmap[1, 1, 2] == np.float32(65.535)
    assert pointmap[2, 2, 2] == np.float32(1.234)
    assert pointmap.dtype == np.float32


def test_big_endian_depth_reads_the_same():
    depth = np.arange(1, 49, dtype=np.uint16).reshape(6, 8)
    np.testing.assert_array_equal(depth_to_metres(depth.astype(">u2")), depth_to_metres(depth))


def test_depth_outside_the_limits_is_dropped_and_the_limits_themselves_kept():
    depth = depth_of(1.0)
    depth[0, :4] = 0.5, 0.49, 2.0, 2.01
    kept = np.isfinite(depth_to_pointmap(depth, CAMERA, min_depth=0.5, max_depth=2.0)[0, :4, 2])
    np.testing.assert_array_equal(kept, [True, False, True, False])


@given(st.lists(st.floats(0.125, 50, width=32), min_size=48, max_size=48))
def test_points_project_back_to_their_pixels(values):
    depth = np.array(values, np.float32).reshape(6, 8)
    pointmap = depth_to_pointmap(depth, CAMERA)
    v, u = np.mgrid[:6, :8]
    np.testing.assert_allclose(CAMERA.project(pointmap), np.stack([u, v], axis=-1), atol=1e-4)
    np.testing.assert_array_equal(pointmap_to_depth(pointmap), depth)


def test_a_known_pixel_has_the_known_point():
    camera = PinholeCamera(640, 480, 500.0, 400.0, 320.0, 240.0)
    depth = np.full((480, 640), 2.0, np.float32)
    np.testing.assert_allclose(depth_to_pointmap(depth, camera)[140, 420], [0.4, -0.5, 2.0])


def test_the_input_is_left_alone():
    depth = depth_of(-1.0)
    depth_to_pointmap(depth, CAMERA, max_depth=0.5)
    assert (depth == -1).all()


def test_millimetres_round_trip():
    depth_mm = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1365
    np.testing.assert_array_equal(pointmap_to_depth_mm(depth_to_pointmap(depth_mm, CAMERA)), depth_mm)


def test_depth_beyond_sixteen_bits_is_no_depth_in_millimetres():
    assert not pointmap_to_depth_mm(depth_to_pointmap(depth_of(66.0), CAMERA)).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int16, np.uint32])
def test_other_encodings_are_refused_by_name(dtype):
    with pytest.raises(PointmapError, match=np.dtype(dtype).name):
        depth_to_pointmap(depth_of(1, dtype), CAMERA)


def test_depth_of_another_size_without_its_camera_is_refused():
    with pytest.raises(PointmapError, match="intrinsics"):
        depth_to_pointmap(np.ones((12, 16), np.float32), CAMERA)


def test_colour_layers_are_refused_as_depth():
    with pytest.raises(PointmapError, match="two dimensions"):
        depth_to_pointmap(np.ones((6, 8, 1), np.float32), CAMERA)


@pytest.mark.parametrize("factor", [0.5, 2, 3])
def test_a_plane_seen_at_another_resolution_is_the_same_plane(factor):
    camera = PinholeCamera(64, 48, 60.0, 60.0, 31.5, 23.5)
    depth_camera = camera.scaled_to(int(64 * factor), int(48 * factor))
    normal = np.array([0.02, 0.01, 1.0])  # n . p = 1.5
    depth = (1.5 / (depth_camera.rays() @ normal)).astype(np.float32)
    pointmap = depth_to_pointmap(depth, camera, depth_camera=depth_camera)
    assert pointmap.shape == (48, 64, 3)
    # A nearest neighbour is at most half a depth pixel away: slope times that is the error.
    half_pixel = 0.5 / depth_camera.fx * 1.5 * 0.05
    np.testing.assert_allclose(pointmap @ normal, 1.5, atol=half_pixel)


def test_depth_edges_are_never_averaged():
    camera = PinholeCamera(64, 48, 60.0, 60.0, 31.5, 23.5)
    depth_camera = camera.scaled_to(40, 30)
    depth = np.full((30, 40), 1.0, np.float32)
    depth[:, 20:] = 2.0
    assert set(np.unique(depth_to_pointmap(depth, camera, depth_camera=depth_camera)[..., 2])) == {1.0, 2.0}


def slow_reference(depth, depth_camera, camera):
    """Pixel by pixel: along the ray of the colour pixel, which depth pixel is nearest?"""
    found = np.full((camera.height, camera.width), np.nan, np.float32)
    for v, u in np.ndindex(found.shape):
        ray = camera.rays()[v, u]
        du, dv = np.floor(depth_camera.project(ray) + 0.5).astype(int)
        if 0 <= du < depth_camera.width and 0 <= dv < depth_camera.height:
            found[v, u] = depth[dv, du]
    return found


def test_a_narrower_depth_camera_leaves_nan_around_it_as_the_slow_reference_says():
    camera = PinholeCamera(32, 24, 20.0, 20.0, 15.5, 11.5)
    depth_camera = PinholeCamera(30, 20, 41.3, 40.7, 14.2, 10.3)
    depth = np.random.default_rng(0).uniform(0.5, 3, (20, 30)).astype(np.float32)
    fast = depth_to_pointmap(depth, camera, depth_camera=depth_camera)[..., 2]
    np.testing.assert_array_equal(fast, slow_reference(depth, depth_camera, camera))
    assert np.isnan(fast[0, 0])
    assert np.isfinite(fast[12, 16])


def test_resampling_to_the_same_camera_changes_nothing():
    depth = np.random.default_rng(0).uniform(0.5, 3, (6, 8)).astype(np.float32)
    depth[3, 3] = np.nan
    pointmap = depth_to_pointmap(depth, CAMERA)
    np.testing.assert_array_equal(resample_pointmap(pointmap, CAMERA, CAMERA), pointmap)


def test_a_resampled_pointmap_lies_on_the_rays_of_its_new_camera():
    pointmap = depth_to_pointmap(depth_of(1.5), CAMERA)
    target = CAMERA.scaled_to(4, 3)
    resampled = resample_pointmap(pointmap, CAMERA, target)
    np.testing.assert_allclose(resampled, 1.5 * target.rays(), rtol=1e-6)
