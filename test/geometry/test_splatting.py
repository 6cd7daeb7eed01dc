"""Pictures of Gaussians: as a plain loop draws them, and where the mesh beneath them is."""

from __future__ import annotations

import numpy as np
import trimesh

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera, Sim3
from sam3d_ros.geometry.gaussians import Gaussians, sh_dc_from_srgb
from sam3d_ros.geometry.render import render
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.geometry.splatting import render_gaussians

CAMERA = PinholeCamera(64, 48, 60.0, 65.0, 31.5, 23.5)
POSE = SE3(np.array([0.9, 0.1, -0.3, 0.2]), np.array([0.02, -0.03, 1.0]))


def random_gaussians(count: int) -> Gaussians:
    rng = np.random.default_rng(5)
    return Gaussians(
        rng.normal(0, 0.15, (count, 3)),
        np.exp(rng.normal(-4, 0.7, (count, 3))),
        rng.normal(size=(count, 4)),
        rng.uniform(0.05, 1, count),
        rng.normal(size=(count, 3)),
    )


def drawn_one_by_one(gaussians: Gaussians, T_cam_obj: SE3, camera: PinholeCamera) -> tuple[np.ndarray, np.ndarray]:
    """Colour over black and alpha [H, W], Gaussian by Gaussian over the whole picture."""
    color, light = np.zeros((camera.height, camera.width, 3)), np.ones((camera.height, camera.width))
    v, u = np.mgrid[: camera.height, : camera.width]
    p_cam = T_cam_obj.apply(gaussians.means)
    for i in np.argsort(p_cam[:, 2]):
        x, y, z = p_cam[i]
        J = np.array([[camera.fx / z, 0, -camera.fx * x / z**2], [0, camera.fy / z, -camera.fy * y / z**2]])
        axes = T_cam_obj.rotation @ gaussians.rotations()[i].astype(float) @ np.diag(gaussians.scales[i].astype(float))
        inverse = np.linalg.inv(J @ axes @ axes.T @ J.T + 0.1 * np.eye(2))
        d = np.stack([u - camera.fx * x / z - camera.cx, v - camera.fy * y / z - camera.cy], axis=-1)
        square = np.einsum("hwi,ij,hwj->hw", d, inverse, d)
        alpha = np.minimum(gaussians.opacities[i] * np.exp(-square / 2), 0.99)
        alpha[(square > 9) | (alpha < 1 / 255)] = 0
        color += (alpha * light)[..., None] * gaussians.colors[i] / 255
        light *= 1 - alpha
    return color, 1 - light


def test_the_fast_way_draws_what_a_plain_loop_draws(monkeypatch):
    monkeypatch.setattr("sam3d_ros.geometry.splatting._BATCH", 70)  # three batches
    gaussians = random_gaussians(200)
    ours = render_gaussians(gaussians, POSE, CAMERA, background=(0, 0, 0))
    color, alpha = drawn_one_by_one(gaussians, POSE, CAMERA)
    assert alpha.max() > 0.9
    np.testing.assert_allclose(ours.alpha, alpha, atol=1e-5)  # float32
    np.testing.assert_allclose(ours.color, color * 255, atol=0.51)


def test_the_nearer_of_two_hides_the_other():
    colors = np.array([[255, 0, 0], [0, 0, 255]], np.uint8)
    means = np.array([[0, 0, 2.0], [0, 0, 1.0]])
    gaussians = Gaussians(means, np.full((2, 3), 0.2), np.ones((2, 4)), [0.99, 0.99], sh_dc_from_srgb(colors))
    seen = render_gaussians(gaussians, SE3.identity(), CAMERA)
    red, _, blue = seen.color[24, 32]
    assert (red < 5, blue > 250) == (True, True)
    assert abs(seen.depth[24, 32] - 1) < 0.02  # a hundredth of the light comes from 2 m


def test_nothing_is_drawn_of_what_lies_behind_or_beside_the_camera():
    means = np.array([[0, 0, -1.0], [50.0, 0, 1.0], [0, 0, 0.0]])
    gaussians = Gaussians(means, np.full((3, 3), 0.01), np.ones((3, 4)), np.ones(3), np.zeros((3, 3)))
    seen = render_gaussians(gaussians, SE3.identity(), CAMERA)
    assert seen.alpha.max() == 0
    assert (seen.color == 255).all()
    assert np.isnan(seen.depth).all()


def test_moved_gaussians_look_the_same_from_a_camera_moved_with_them():
    gaussians, T = random_gaussians(100), SE3(np.array([0.3, -0.5, 0.7, 0.1]), np.array([1.0, -2.0, 0.5]))
    there = render_gaussians(gaussians.transformed(Sim3.from_se3(T)), POSE @ T.inverse(), CAMERA)
    np.testing.assert_allclose(there.alpha, render_gaussians(gaussians, POSE, CAMERA).alpha, atol=1e-4)


def flat_gaussians(mesh: Mesh, count: int, sigma: float) -> Gaussians:
    """Discs lying on the surface, in its colours."""
    samples = sample_surface(mesh, count, seed=0)
    x, y, z = samples.normals.T
    z_to_normal = np.stack([1 + z, -y, x, np.zeros(count)], axis=1)
    scales = np.tile([sigma, sigma, sigma / 10], (count, 1))
    return Gaussians(samples.points, scales, z_to_normal, np.full(count, 0.9), sh_dc_from_srgb(samples.colors))


def test_gaussians_on_a_surface_have_its_outline_depth_and_colours():
    shape = trimesh.creation.capsule(0.2, 0.1)
    mesh = Mesh(shape.vertices, shape.faces, np.clip(128 + 600 * shape.vertices, 0, 255))
    camera = CAMERA.scaled_to(256, 192)
    splats = render_gaussians(flat_gaussians(mesh, 40_000, sigma=0.002), POSE, camera)
    surface = render([mesh], [POSE], camera)
    on_splats, on_surface = splats.alpha > 0.5, surface.index == 0
    both = on_splats & on_surface
    assert both.sum() == on_surface.sum()
    assert both.sum() / (on_splats | on_surface).sum() > 0.95  # ellipses reach half a pixel past the outline
    facing = both & (np.abs(surface.normal[..., 2]) > 0.9)  # elsewhere the nearer half of each disc covers the other
    assert np.median(np.abs(splats.depth[facing] - surface.depth[facing])) < 0.004
    assert np.abs(splats.color[both].astype(int) - surface.color[both]).mean() < 4
