"""Textures: every texel shows the place of the finer surface that belongs there, and seams do not show."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import Mesh
from sam3d_ros.geometry.gaussians import Gaussians, sh_dc_from_srgb
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.geometry.textured_mesh import TexturedMesh, texels
from sam3d_ros.pipeline.finish import finish_mesh, is_watertight
from sam3d_ros.pipeline.texture import UnwrapError, bake_texture, gaussian_colours, surface_colours
from sam3d_ros.pipeline.texture.texel_map import map_texels
from sam3d_ros.pipeline.texture.unwrap import unwrap

RED, BLUE = np.array([255, 0, 0]), np.array([0, 0, 255])


def colours_at(points: np.ndarray) -> np.ndarray:
    """Smooth waves, about 4 mm to a grey level at their steepest."""
    return np.rint(127.5 + 120 * np.sin(points * [60, 45, 35])).astype(np.uint8)


def fine_ball() -> Mesh:
    shape = trimesh.creation.icosphere(subdivisions=5, radius=0.1)
    return Mesh(shape.vertices, shape.faces, colours_at(shape.vertices))


def errors(textured: TexturedMesh, expected) -> np.ndarray:
    """Difference from the expected colours at random places of the surface, [N]."""
    rng = np.random.default_rng(0)
    triangle = rng.integers(0, len(textured.mesh.triangles), 4000)
    weights = rng.dirichlet([1, 1, 1], 4000)
    points = np.einsum("nk,nkc->nc", weights, textured.mesh.vertices[textured.mesh.triangles[triangle]])
    uv = np.einsum("nk,nkc->nc", weights, textured.uv[textured.uv_triangles[triangle]])
    return np.abs(texels(textured.texture, uv).astype(int) - expected(points)).max(axis=1)


def on_ball(points: np.ndarray) -> np.ndarray:
    return colours_at(0.1 * points / np.linalg.norm(points, axis=1, keepdims=True))


def test_a_decimated_ball_gets_the_colours_of_the_fine_one_back():
    fine = fine_ball()
    coarse = finish_mesh(fine, triangle_budget=300)
    textured = bake_texture(coarse, surface_colours(fine), size=512)
    assert max(textured.texture.shape) == 512
    assert is_watertight(textured.mesh)
    found = errors(textured, on_ball)
    assert np.median(found) <= 2
    assert found.max() < 25  # a texel is 1.3 mm, or 10 grey levels, and lies beside the outline of its chart
    by_vertices = errors(bake_texture(coarse, surface_colours(coarse), size=512), on_ball)
    assert np.median(found) < 0.2 * np.median(by_vertices)


def test_gaussians_on_the_surface_paint_it_and_those_beneath_do_not():
    fine = fine_ball()
    samples = sample_surface(fine, 60_000, seed=0)
    buried = samples.points * 0.96
    means = np.concatenate([samples.points, buried])
    colors = np.concatenate([samples.colors, np.zeros_like(samples.colors)])
    count = len(means)
    gaussians = Gaussians(
        means, np.full((count, 3), 0.001), np.ones((count, 4)), np.full(count, 0.95), sh_dc_from_srgb(colors)
    )
    textured = bake_texture(finish_mesh(fine, triangle_budget=2000), gaussian_colours(gaussians), size=512)
    found = errors(textured, on_ball)
    assert np.median(found) < 8
    assert np.percentile(found, 99) < 30


def test_one_gaussian_paints_everything_in_its_colour():
    one = Gaussians(
        np.zeros((1, 3)), np.full((1, 3), 0.01), np.ones((1, 4)), [0.5], sh_dc_from_srgb(RED[None].astype(np.uint8))
    )
    textured = bake_texture(finish_mesh(fine_ball(), triangle_budget=100), gaussian_colours(one), size=64)
    assert (textured.texture == RED).all()


def test_the_two_sides_of_a_thin_wall_do_not_mix():
    """The finished plate lies so far beside the fine one that the nearest place is the other side's."""
    box = trimesh.creation.box((0.1, 0.1, 0.002))
    fine = box.subdivide().subdivide().subdivide().subdivide()
    painted = Mesh(fine.vertices, fine.faces, np.where(fine.vertices[:, 2:] > 0, RED, BLUE))
    shifted = Mesh(box.vertices - [0, 0, 0.0015], box.faces, np.zeros((len(box.vertices), 3)))
    places = map_texels(shifted, unwrap(shifted, size=128))
    upper = (places.normals[:, 2] > 0.9) & (np.abs(places.points[:, :2]) < 0.04).all(axis=1)
    colors = surface_colours(painted)(places.points, places.normals)
    assert upper.sum() > 100
    assert (colors[upper] == RED).all()


def test_texels_lie_on_the_surface_where_their_chart_says():
    mesh = finish_mesh(fine_ball(), triangle_budget=500)
    layout = unwrap(mesh, size=256)
    places = map_texels(mesh, layout)
    row, column = np.nonzero(places.covered)
    centres = np.stack([(column + 0.5) / layout.width, (row + 0.5) / layout.height], axis=1)
    flat = trimesh.Trimesh(np.pad(layout.uv, ((0, 0), (0, 1))), layout.uv_triangles, process=False)
    some = np.random.default_rng(1).choice(len(centres), 200, replace=False)
    query = np.pad(centres[some], ((0, 0), (0, 1)))
    closest, distance, triangle = trimesh.proximity.closest_point_naive(flat, query)
    weights = trimesh.triangles.points_to_barycentric(flat.triangles[triangle], closest)
    expected = np.einsum("nk,nkc->nc", weights, mesh.vertices[mesh.triangles[triangle]])
    assert distance.max() < 1e-6
    np.testing.assert_allclose(places.points[some], expected, atol=1e-5)


def test_charts_do_not_overlap():
    mesh = finish_mesh(fine_ball(), triangle_budget=500)
    layout = unwrap(mesh, size=512)
    corners = layout.uv[layout.uv_triangles].astype(float)
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    drawn = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2
    covered = map_texels(mesh, layout).covered.mean()
    assert covered == pytest.approx(drawn, rel=0.02)


def test_texels_around_charts_continue_their_colours():
    """With constant colour per half of the ball no other colour may appear anywhere, outside the charts either."""
    mesh = finish_mesh(fine_ball(), triangle_budget=500)
    textured = bake_texture(mesh, lambda points, _: np.where(points[:, 2:] > 0, RED, BLUE).astype(np.uint8), size=128)
    found = np.unique(textured.texture.reshape(-1, 3), axis=0)
    np.testing.assert_array_equal(found, [BLUE, RED])


def test_the_same_mesh_gets_the_same_texture():
    mesh = finish_mesh(fine_ball(), triangle_budget=500)
    first, second = (bake_texture(mesh, surface_colours(mesh), size=64) for _ in range(2))
    np.testing.assert_array_equal(first.uv, second.uv)
    np.testing.assert_array_equal(first.texture, second.texture)


def test_what_cannot_be_painted_is_refused_with_its_reason(monkeypatch):
    mesh = finish_mesh(fine_ball(), triangle_budget=100)
    with pytest.raises(ValueError, match="at least 16 texels"):
        bake_texture(mesh, surface_colours(mesh), size=8)
    with pytest.raises(ValueError, match="without triangles"):
        surface_colours(Mesh(np.eye(3), np.zeros((0, 3)), np.zeros((3, 3))))
    nothing = np.zeros((0, 3))
    with pytest.raises(ValueError, match="without Gaussians"):
        gaussian_colours(Gaussians(nothing, nothing, np.zeros((0, 4)), np.zeros(0), nothing))
    monkeypatch.setitem(sys.modules, "xatlas", None)
    with pytest.raises(UnwrapError, match="pip install xatlas"):
        bake_texture(mesh, surface_colours(mesh))
