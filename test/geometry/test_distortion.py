"""Lens models against their inverse, against OpenCV's numbers, and on images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.geometry.distortion import DistortionError, distorted_camera, rectifier

PINHOLE = PinholeCamera(640, 480, 610.0, 608.0, 322.5, 241.25)
POINTS = [[0.0, 0, 1], [0.3, -0.2, 1.2], [-0.5, 0.4, 0.9], [0.25, 0.35, 2.0], [-0.4, -0.3, 0.7]]
PLUMB_BOB = [-0.28, 0.09, 0.0011, -0.0007, -0.012]
RATIONAL = [0.45, -2.6, 0.0006, -0.0002, 1.5, 0.33, -2.4, 1.4]
EQUIDISTANT = [-0.02, 0.006, -0.004, 0.0007]
MODELS = [("plumb_bob", PLUMB_BOB), ("rational_polynomial", RATIONAL), ("equidistant", EQUIDISTANT)]

# Made with OpenCV 5.0.0: projectPoints and fisheye.projectPoints of POINTS with the camera above.
OPENCV_PIXELS = {
    "plumb_bob": [
        [322.5, 241.25],
        [471.107812, 142.537714],
        [23.543175, 479.797497],
        [397.773415, 346.345753],
        [15.945715, 12.59219],
    ],
    "rational_polynomial": [
        [322.5, 241.25],
        [476.342208, 139.05041],
        [-27.084202, 520.135831],
        [399.143902, 348.2244],
        [-36.757357, -27.076945],
    ],
    "equidistant": [
        [322.5, 241.25],
        [470.398144, 142.974512],
        [30.005276, 474.47858],
        [397.539536, 345.960906],
        [21.942652, 16.571065],
    ],
}


@pytest.mark.parametrize(("model", "coefficients"), MODELS)
def test_projection_gives_the_pixels_of_opencv(model, coefficients):
    camera = distorted_camera(PINHOLE, model, coefficients)
    np.testing.assert_allclose(camera.project(POINTS), OPENCV_PIXELS[model], atol=2e-6)  # printed to six digits


@pytest.mark.parametrize(("model", "coefficients"), MODELS)
@given(x=st.floats(-0.55, 0.55), y=st.floats(-0.42, 0.42))
def test_undistort_undoes_distort_all_over_the_image(model, coefficients, x, y):
    camera = distorted_camera(PINHOLE, model, coefficients)
    np.testing.assert_allclose(camera.undistort(camera.distort([x, y])), [x, y], atol=1e-6)


def test_undistort_says_nan_where_no_ray_arrives():
    camera = distorted_camera(PINHOLE, "plumb_bob", PLUMB_BOB)
    assert np.isnan(camera.undistort([5.0, 5.0])).all()


@pytest.mark.parametrize("model", ["plumb_bob", "rational_polynomial", "equidistant", "", "anything"])
@pytest.mark.parametrize("count", [0, 5, 14])
def test_zero_coefficients_mean_a_pinhole_whatever_the_name(model, count):
    camera = distorted_camera(PINHOLE, model, [0.0] * count)
    assert not camera.is_distorted
    np.testing.assert_allclose(camera.project(POINTS), PINHOLE.project(POINTS))


@pytest.mark.parametrize(
    ("model", "coefficients", "word"),
    [
        ("double_sphere", [0.1, 0.2], "double_sphere"),
        ("plumb_bob", [0.1, 0.2, 0.3], "4 or 5"),
        ("plumb_bob", [0.1, 0, 0, 0, 0, 0.2], "4 or 5"),
        ("rational_polynomial", [0.1] * 5, "8"),
        ("rational_polynomial", [0.1] * 12, "8"),
        ("equidistant", [0.1] * 5, "4"),
        ("plumb_bob", [np.nan] * 5, "finite"),
    ],
)
def test_what_is_not_known_is_refused_by_name(model, coefficients, word):
    with pytest.raises(DistortionError, match=word):
        distorted_camera(PINHOLE, model, coefficients)


def test_coefficients_padded_with_zeros_are_accepted():
    padded = distorted_camera(PINHOLE, "rational_polynomial", RATIONAL + [0.0] * 6)
    assert padded == distorted_camera(PINHOLE, "rational_polynomial", RATIONAL)
    four = distorted_camera(PINHOLE, "plumb_bob", PLUMB_BOB[:4])
    assert four.distort([0.1, 0.2]) == pytest.approx(
        distorted_camera(PINHOLE, "plumb_bob", PLUMB_BOB[:4] + [0.0]).distort([0.1, 0.2])
    )


def raw_picture(camera):
    """A smooth picture as the distorted camera takes it: colour is a function of the ray."""
    v, u = np.mgrid[: camera.pinhole.height, : camera.pinhole.width].astype(float)
    K = camera.pinhole
    slopes = camera.undistort(np.stack([(u - K.cx) / K.fx, (v - K.cy) / K.fy], axis=-1))
    return picture_of(slopes)


def picture_of(slopes):
    channels = [np.sin(6 * slopes[..., 0]), np.cos(5 * slopes[..., 1]), np.sin(4 * slopes.sum(axis=-1))]
    return np.rint(127 + 120 * np.nan_to_num(np.stack(channels, axis=-1))).astype(np.uint8)


@pytest.mark.parametrize(("model", "coefficients"), MODELS)
def test_rectified_colour_is_what_a_pinhole_would_have_seen(model, coefficients):
    small = PINHOLE.scaled_to(160, 120)
    camera = distorted_camera(small, model, coefficients)
    table = rectifier(camera)
    rectified = table.color(raw_picture(camera))
    difference = np.abs(rectified.astype(int) - picture_of(small.rays()[..., :2]))[table.inside]
    assert table.inside.mean() > 0.85
    assert np.percentile(difference, 99) <= 3  # rounding twice and a bilinear mix of a smooth picture
    assert not rectified[~table.inside].any()


@pytest.mark.parametrize(("model", "coefficients"), MODELS)
def test_colour_is_the_bilinear_mix_of_the_four_pixels_around_the_ray(model, coefficients):
    small = PINHOLE.scaled_to(64, 48)
    camera, random = distorted_camera(small, model, coefficients), np.random.default_rng(0)
    image = random.integers(0, 256, (48, 64, 3)).astype(np.uint8)
    table = rectifier(camera)
    rectified, arrivals = table.color(image), camera.project(small.rays())
    for v, u in random.integers(0, [48, 64], (300, 2)):
        x, y = np.clip(arrivals[v, u], 0, [63, 47])
        left, top = min(int(x), 62), min(int(y), 46)
        upper, lower = (image[row, left] * (left + 1 - x) + image[row, left + 1] * (x - left) for row in (top, top + 1))
        wanted = (upper * (top + 1 - y) + lower * (y - top)) * table.inside[v, u]
        assert np.abs(rectified[v, u] - wanted).max() < 0.501  # rounding


def test_depth_and_labels_are_never_mixed_and_keep_their_type():
    camera = distorted_camera(PINHOLE, "plumb_bob", PLUMB_BOB)
    wide = PinholeCamera(640, 480, 400.0, 400.0, 320.0, 240.0)
    table = rectifier(camera, wide)
    labels = (np.arange(480 * 640).reshape(480, 640) % 7 * 1000).astype(np.int32)
    depth_mm, depth = labels.astype(np.uint16) + 1, labels.astype(np.float32) + 1
    assert set(np.unique(table.labels(labels))) <= set(np.unique(labels))
    assert table.depth(depth_mm).dtype == np.uint16
    assert not table.depth(depth_mm)[~table.inside].any()
    assert np.isnan(table.depth(depth)[~table.inside]).all()
    assert (~table.inside).any()
    np.testing.assert_array_equal(table.depth(depth)[table.inside], table.labels(labels)[table.inside] + 1)


def test_depth_comes_from_the_pixel_where_the_ray_arrives():
    camera = distorted_camera(PINHOLE, "equidistant", EQUIDISTANT)
    depth = np.random.default_rng(0).integers(1, 60000, (480, 640)).astype(np.uint16)
    u, v = np.rint(camera.project([PINHOLE.rays()[100, 500]])[0]).astype(int)
    assert rectifier(camera).depth(depth)[100, 500] == depth[v, u]
    assert (u, v) != (500, 100)


def test_a_pinhole_is_rectified_to_itself():
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    table = rectifier(distorted_camera(PINHOLE, "plumb_bob", []))
    np.testing.assert_array_equal(table.color(image), image)
    np.testing.assert_array_equal(table.labels(image[..., 0]), image[..., 0])


def test_the_table_is_made_once_per_camera():
    assert rectifier(distorted_camera(PINHOLE, "plumb_bob", PLUMB_BOB)) is rectifier(
        distorted_camera(PINHOLE, "plumb_bob", tuple(PLUMB_BOB))
    )


def test_images_of_another_size_are_refused():
    table = rectifier(distorted_camera(PINHOLE, "plumb_bob", PLUMB_BOB))
    with pytest.raises(DistortionError, match="size"):
        table.depth(np.zeros((240, 320), np.uint16))


def test_rays_beyond_the_fold_of_the_model_see_nothing():
    # Strong barrel distortion: beyond r^2 = 1 / (3 * 0.5) farther rays come back towards the middle.
    camera = distorted_camera(PINHOLE, "plumb_bob", [-0.5, 0, 0, 0, 0])
    table = rectifier(camera, PinholeCamera(640, 480, 200.0, 200.0, 320.0, 240.0))
    radius = np.linalg.norm(table.camera.rays()[..., :2], axis=-1)
    assert not table.inside[radius > np.sqrt(1 / 1.5) + 0.01].any()
    assert table.inside[radius < 0.3].all()


def test_a_turned_rectified_camera_sees_a_wall_at_its_own_depth():
    # R turns the axis by 3 degrees, as in a stereo pair: a wall square to the raw axis is slanted to the rectified.
    turn = Rotation.from_euler("y", 3, degrees=True).as_matrix()
    camera = distorted_camera(PINHOLE, "plumb_bob", PLUMB_BOB)
    table = rectifier(camera, PINHOLE, tuple(map(tuple, turn.tolist())))
    wall_normal = turn @ [0, 0, 1.0]  # n . p = 2 in the rectified frame
    expected = 2.0 / (PINHOLE.rays() @ wall_normal)
    depth = table.depth(np.full((480, 640), 2.0, np.float32))
    depth_mm = table.depth(np.full((480, 640), 2000, np.uint16))
    assert table.inside.mean() > 0.85
    np.testing.assert_allclose(depth[table.inside], expected[table.inside], rtol=1e-5)
    np.testing.assert_allclose(depth_mm[table.inside], 1000 * expected[table.inside], atol=0.51)
    assert np.ptp(expected) > 0.1


def test_a_turned_rectified_camera_looks_up_the_pixel_of_the_same_direction():
    turn = Rotation.from_euler("xyz", [2, 3, 1], degrees=True).as_matrix()
    camera = distorted_camera(PINHOLE, "rational_polynomial", RATIONAL)
    table = rectifier(camera, PINHOLE, tuple(map(tuple, turn.tolist())))
    p_raw = np.array([0.1, -0.05, 1.3])
    u, v = np.rint(PINHOLE.project(turn @ p_raw)).astype(int)
    row, column = divmod(table.nearest[v, u], 640)
    np.testing.assert_allclose([column, row], camera.project(p_raw), atol=1.0)
