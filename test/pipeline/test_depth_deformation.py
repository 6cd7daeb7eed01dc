"""A mesh whose seen side is laid onto the depth: what follows, what is averaged, what stays."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from one_view import CAMERA, as_mesh, camera_pose

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.render import cast_rays
from sam3d_ros.pipeline.depth_deformation import DeformationConfig, lay_on_depth
from sam3d_ros.pipeline.finish import is_watertight

T_CAM_OBJ = camera_pose()
RADIUS = 0.05
BALL = as_mesh(trimesh.creation.icosphere(subdivisions=4, radius=RADIUS))


def depth_of(mesh: Mesh, *, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Depth points [N, 3] of the mesh at its pose."""
    depth = cast_rays([mesh], [T_CAM_OBJ], CAMERA).depth
    z = depth[np.isfinite(depth)] + np.random.default_rng(seed).normal(0, noise, int(np.isfinite(depth).sum()))
    return CAMERA.rays()[np.isfinite(depth)] * z[:, None]


def from_ball(points: np.ndarray) -> np.ndarray:
    """Distances [N] of object points from the ball's surface, positive outside."""
    return np.linalg.norm(points, axis=1) - RADIUS


def seen_part(mesh: Mesh) -> np.ndarray:
    """Whether vertices [V] of a ball-like mesh face the camera, and not from the rim."""
    p_camera = T_CAM_OBJ.inverse().translation_xyz
    towards = p_camera - mesh.vertices
    cosine = np.einsum("vc,vc->v", towards, mesh.vertices) / (
        np.linalg.norm(towards, axis=1) * np.linalg.norm(mesh.vertices, axis=1)
    )
    return cosine > 0.4


def dented(depth: float) -> Mesh:
    """The ball with a wide dent towards the camera."""
    p_camera = T_CAM_OBJ.inverse().translation_xyz
    along = BALL.vertices @ (p_camera / np.linalg.norm(p_camera)) / RADIUS
    factor = 1 - depth / RADIUS * np.clip(along, 0, 1) ** 4
    return Mesh((BALL.vertices * factor[:, None]).astype(np.float32), BALL.triangles, BALL.vertex_colors)


@pytest.mark.parametrize("depth", [0.004, 0.008, -0.006])
def test_a_dent_in_the_seen_side_is_taken_out(depth):
    mesh = dented(depth)
    laid = lay_on_depth(mesh, T_CAM_OBJ, depth_of(BALL))
    before = np.abs(from_ball(mesh.vertices))[seen_part(mesh)].mean()
    assert np.abs(from_ball(laid.vertices))[seen_part(laid)].mean() < 0.1 * before
    np.testing.assert_array_equal(laid.triangles, mesh.triangles)
    np.testing.assert_array_equal(laid.vertex_colors, mesh.vertex_colors)
    assert is_watertight(laid)


def test_a_mesh_that_lies_a_little_too_deep_is_pulled_with_its_surroundings():
    too_deep = SE3(T_CAM_OBJ.quat_wxyz, T_CAM_OBJ.translation_xyz + [0, 0, 0.004])
    laid = lay_on_depth(BALL, too_deep, depth_of(BALL))
    p_true = T_CAM_OBJ.inverse().apply(too_deep.apply(laid.vertices))
    assert (
        np.abs(from_ball(p_true))[seen_part(Mesh(p_true.astype(np.float32), laid.triangles, laid.vertex_colors))].max()
        < 1e-3
    )


def test_noise_of_the_readings_is_averaged():
    noise = 0.002
    laid = lay_on_depth(BALL, T_CAM_OBJ, depth_of(BALL, noise=noise))
    assert np.sqrt((from_ball(laid.vertices)[seen_part(laid)] ** 2).mean()) < 0.35 * noise


def test_a_true_mesh_stays_where_it_is():
    laid = lay_on_depth(BALL, T_CAM_OBJ, depth_of(BALL))
    assert np.abs(laid.vertices - BALL.vertices).max() < 1e-4


def test_readings_of_something_in_front_do_not_pull():
    points = depth_of(BALL)
    hand = points[:, 0] > np.quantile(points[:, 0], 0.8)
    points[hand] *= ((points[hand, 2] - 0.05) / points[hand, 2])[:, None]
    laid = lay_on_depth(BALL, T_CAM_OBJ, points)
    assert np.abs(laid.vertices - BALL.vertices).max() < 5e-4


def test_the_hidden_side_stays_nearly_where_it_was():
    mesh = dented(0.008)
    laid = lay_on_depth(mesh, T_CAM_OBJ, depth_of(BALL))
    p_camera = T_CAM_OBJ.inverse().translation_xyz
    far = mesh.vertices @ (p_camera / np.linalg.norm(p_camera)) < -0.5 * RADIUS
    assert np.linalg.norm(laid.vertices - mesh.vertices, axis=1)[far].max() < 1e-3


def test_how_many_readings_there_are_hardly_matters():
    mesh, points = dented(0.006), depth_of(BALL, noise=0.0005)
    few, many = (lay_on_depth(mesh, T_CAM_OBJ, points, config=DeformationConfig(readings=n)) for n in (800, 4000))
    assert np.linalg.norm(few.vertices - many.vertices, axis=1)[seen_part(many)].max() < 1e-3


@pytest.mark.parametrize(
    "points", [np.zeros((0, 3)), np.array([[0.0, 0.0, 0.55]] * 10), np.array([[0.5, 0.5, 0.6]] * 99)]
)
def test_with_hardly_any_reading_on_the_mesh_it_comes_back_as_it_is(points):
    assert lay_on_depth(BALL, T_CAM_OBJ, points) is BALL


def test_a_vertex_beside_the_camera_stays():
    """A needle reaches back to the camera, where no ray leads anywhere."""
    mesh, tip = dented(0.006).transformed(T_CAM_OBJ), np.array([[0.1, 0.0, 0.0]], np.float32)
    needle = Mesh(
        np.concatenate([mesh.vertices, tip]),
        np.concatenate([mesh.triangles, [[0, 1, len(mesh.vertices)]]]),
        np.concatenate([mesh.vertex_colors, [[0, 0, 0]]]),
    )
    laid = lay_on_depth(needle, SE3.identity(), depth_of(BALL))
    assert np.isfinite(laid.vertices).all()
    np.testing.assert_allclose(laid.vertices[-1], tip[0], atol=1e-6)
