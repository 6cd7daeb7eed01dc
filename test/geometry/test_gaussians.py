"""Gaussians: they move like the surface under them, and their file is the one that splat viewers read."""

from __future__ import annotations

import importlib.util

import numpy as np
import open3d as o3d
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sam3d_ros.geometry import Sim3
from sam3d_ros.geometry.gaussian_ply import (
    GaussianFileError,
    decode_gaussian_ply,
    encode_gaussian_ply,
    read_gaussian_ply,
    write_gaussian_ply,
)
from sam3d_ros.geometry.gaussians import Gaussians, GaussiansError, sh_dc_from_srgb

PUBLISHED = [
    "x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity",
    "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
]  # fmt: skip


def some_gaussians(count: int = 50, seed: int = 0) -> Gaussians:
    rng = np.random.default_rng(seed)
    return Gaussians(
        rng.normal(size=(count, 3)),
        np.exp(rng.normal(-4, 1, (count, 3))),
        rng.normal(size=(count, 4)),
        rng.uniform(0.01, 0.99, count),
        rng.normal(size=(count, 3)),
    )


def some_transform(seed: int) -> Sim3:
    rng = np.random.default_rng(seed)
    return Sim3(rng.normal(size=4), rng.normal(size=3), float(np.exp(rng.normal())))


def covariances(gaussians: Gaussians) -> np.ndarray:
    axes = gaussians.rotations().astype(np.float64) * gaussians.scales[:, None, :]
    return axes @ np.swapaxes(axes, 1, 2)


@given(seed=st.integers(0, 1000))
def test_a_moved_ellipsoid_has_the_covariance_of_its_moved_points(seed):
    before, T = some_gaussians(seed=seed), some_transform(seed)
    after = before.transformed(T)
    A = T.scale * T.rotation
    np.testing.assert_allclose(after.means, T.apply(before.means), rtol=1e-5, atol=1e-5)
    expected = A @ covariances(before) @ A.T
    np.testing.assert_allclose(covariances(after), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())
    np.testing.assert_array_equal(after.sh_dc, before.sh_dc)
    np.testing.assert_array_equal(after.opacities, before.opacities)


@given(seed=st.integers(0, 1000))
def test_transforms_compose_and_the_inverse_leads_back(seed):
    start, T_b_a, T_c_b = some_gaussians(seed=seed), some_transform(seed), some_transform(seed + 1)
    one_by_one, at_once = start.transformed(T_b_a).transformed(T_c_b), start.transformed(T_c_b @ T_b_a)
    back = start.transformed(T_b_a).transformed(T_b_a.inverse())
    for a, b in ((one_by_one, at_once), (back, start)):
        np.testing.assert_allclose(a.means, b.means, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(a.scales, b.scales, rtol=1e-4)
        np.testing.assert_allclose(a.rotations(), b.rotations(), atol=1e-5)


def test_quaternions_become_unit_and_w_comes_first():
    quarter_about_z = Gaussians(np.zeros((1, 3)), np.ones((1, 3)), [[2.0, 0, 0, 2.0]], [1.0], np.zeros((1, 3)))
    np.testing.assert_allclose(quarter_about_z.rotations()[0], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-6)


def test_colours_survive_the_harmonic():
    srgb = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    count = len(srgb)
    gaussians = Gaussians(
        np.zeros((count, 3)), np.ones((count, 3)), np.ones((count, 4)), np.ones(count), sh_dc_from_srgb(srgb)
    )
    np.testing.assert_array_equal(gaussians.colors, srgb)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scales": np.zeros((50, 3))}, "scales must be positive"),
        ({"opacities": np.full(50, 1.5)}, "opacities must lie in"),
        ({"opacities": np.zeros(49)}, r"opacities must have shape \[50\], got \[49\]"),
        ({"quat_wxyz": np.zeros((50, 4))}, "is zero"),
        ({"means": np.full((50, 3), np.nan)}, "means holds NaN"),
    ],
)
def test_numbers_that_are_no_gaussians_are_refused_by_name(changes, words):
    good = some_gaussians()
    fields = {name: getattr(good, name) for name in ("means", "scales", "quat_wxyz", "opacities", "sh_dc")}
    with pytest.raises(GaussiansError, match=words):
        Gaussians(**{**fields, **changes})


def test_a_file_comes_back_as_it_was(tmp_path):
    before = some_gaussians()
    write_gaussian_ply(tmp_path / "a.ply", before)
    after = read_gaussian_ply(tmp_path / "a.ply")
    for name in ("means", "scales", "quat_wxyz", "opacities", "sh_dc"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=2e-5, atol=1e-6, err_msg=name)


def test_the_file_is_laid_out_as_viewers_expect():
    gaussians = some_gaussians(3)
    data = encode_gaussian_ply(gaussians)
    head, body = data.split(b"end_header\n", 1)
    lines = head.decode().splitlines()
    assert lines[:3] == ["ply", "format binary_little_endian 1.0", "element vertex 3"]
    assert lines[3:] == [f"property float {name}" for name in PUBLISHED]
    rows = np.frombuffer(body, "<f4").reshape(3, 17)
    np.testing.assert_array_equal(rows[:, :3], gaussians.means)
    np.testing.assert_array_equal(rows[:, 3:6], 0)
    np.testing.assert_allclose(1 / (1 + np.exp(-rows[:, 9])), gaussians.opacities, rtol=1e-5)
    np.testing.assert_allclose(np.exp(rows[:, 10:13]), gaussians.scales, rtol=1e-5)
    np.testing.assert_array_equal(rows[:, 13:], gaussians.quat_wxyz)


@pytest.mark.skipif(
    importlib.util.find_spec("plyfile") is None, reason="plyfile, an independent reader, is not installed"
)
def test_an_independent_reader_finds_every_field(tmp_path):
    import plyfile

    gaussians = some_gaussians()
    write_gaussian_ply(tmp_path / "a.ply", gaussians)
    vertex = plyfile.PlyData.read(tmp_path / "a.ply")["vertex"]
    assert [item.name for item in vertex.properties] == PUBLISHED
    np.testing.assert_array_equal(np.stack([vertex[axis] for axis in "xyz"], axis=1), gaussians.means)
    np.testing.assert_allclose(np.exp(vertex["scale_1"]), gaussians.scales[:, 1], rtol=1e-5)


def test_fully_clear_and_fully_opaque_gaussians_have_finite_numbers_in_the_file():
    count = 2
    extreme = Gaussians(np.zeros((2, 3)), np.ones((2, 3)), np.ones((count, 4)), [0.0, 1.0], np.zeros((2, 3)))
    np.testing.assert_allclose(decode_gaussian_ply(encode_gaussian_ply(extreme)).opacities, [0, 1], atol=1e-5)


def test_higher_harmonics_of_other_programs_are_passed_over():
    data = encode_gaussian_ply(some_gaussians(2))
    head, body = data.split(b"end_header\n", 1)
    rows = np.frombuffer(body, "<f4").reshape(2, 17)
    widened = np.concatenate([rows[:, :9], np.ones((2, 2), "<f4"), rows[:, 9:]], axis=1)
    head = head.replace(
        b"property float opacity", b"property float f_rest_0\nproperty float f_rest_1\nproperty float opacity"
    )
    again = decode_gaussian_ply(head + b"end_header\n" + widened.tobytes())
    np.testing.assert_allclose(again.scales, some_gaussians(2).scales, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: b"rubbish", "not a PLY"),
        (lambda data: data[:-1], "cut off"),
        (lambda data: data.replace(b"binary_little_endian", b"ascii"), "little-endian"),
        (lambda data: data.replace(b"opacity", b"obscure"), "lack opacity"),
        (lambda data: data.replace(b"element vertex", b"element corner"), "first element"),
        (lambda data: data.replace(b"float rot_0", b"list uchar int rot_0"), "plain numbers"),
        (lambda data: data.replace(b"rot_0", b"rot_1"), "twice"),
        (lambda data: data[:-4] + np.float32(np.nan).tobytes(), "no Gaussians"),
    ],
)
def test_broken_files_are_named_with_what_is_wrong(tmp_path, change, words):
    (tmp_path / "broken.ply").write_bytes(change(encode_gaussian_ply(some_gaussians(3))))
    with pytest.raises(GaussianFileError, match=rf"broken\.ply.*{words}"):
        read_gaussian_ply(tmp_path / "broken.ply")


def test_open3d_sees_gaussians_in_the_file(tmp_path):
    gaussians = some_gaussians()
    write_gaussian_ply(tmp_path / "a.ply", gaussians)
    cloud = o3d.t.io.read_point_cloud(str(tmp_path / "a.ply"))
    if "rot" not in cloud.point:
        pytest.skip(f"Open3D {o3d.__version__} does not know Gaussians; 0.20 does")
    np.testing.assert_array_equal(cloud.point.positions.numpy(), gaussians.means)
    np.testing.assert_array_equal(cloud.point["rot"].numpy(), gaussians.quat_wxyz)
    np.testing.assert_allclose(cloud.point["scale"].numpy(), gaussians.scales, rtol=1e-5)
    np.testing.assert_array_equal(cloud.point["f_dc"].numpy(), gaussians.sh_dc)
