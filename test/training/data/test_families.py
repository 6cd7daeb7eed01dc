"""Every procedural family draws closed objects of plausible size, the same ones for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.training.data.drawing import HELD_OUT_FAMILIES, design_of, draw_mesh, split_of
from sam3d_ros.training.data.families import FAMILIES, TOPICS
from sam3d_ros.training.data.meshing import MeshingConfig, MeshingError, is_closed, mesh_solid
from sam3d_ros.training.data.shapes import sphere

COARSE = MeshingConfig(nodes=60_000, triangles=1500)
SMALLEST, LARGEST = 0.025, 0.42  # m


def _check(family: str, seed: int) -> None:
    mesh, _ = draw_mesh(design_of(family, seed), COARSE)
    assert is_closed(mesh.vertices, mesh.triangles)
    assert SMALLEST < mesh.extents.max() < LARGEST
    assert np.abs(mesh.box_centre).max() < 1e-6


def test_there_are_many_families_and_no_name_twice():
    assert len(FAMILIES) >= 45
    assert sum(len(topic) for topic in TOPICS.values()) == len(FAMILIES)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_draw_is_closed_and_of_plausible_size(family):
    _check(family, len(family) % 5)


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_more_draws_are_closed_and_of_plausible_size(family):
    for seed in range(5, 11):
        _check(family, seed)


@pytest.mark.parametrize("family", ["mug", "pliers", "metaballs"])
def test_the_same_seed_draws_the_same_object_and_another_one_does_not(family):
    first, again, other = (draw_mesh(design_of(family, seed), COARSE)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.vertices, again.vertices)
    np.testing.assert_array_equal(first.vertex_colors, again.vertex_colors)
    assert np.abs(first.extents - other.extents).max() > 1e-3


def test_whole_families_and_some_seeds_are_kept_from_training():
    assert set(HELD_OUT_FAMILIES) <= set(FAMILIES)
    assert {split_of(HELD_OUT_FAMILIES[0], seed) for seed in range(24)} == {"val"}
    assert [split_of("mug", seed) for seed in range(24)].count("val") == 2


def test_an_unknown_family_is_refused_by_name():
    with pytest.raises(KeyError, match="no family 'spaceship'"):
        design_of("spaceship", 0)


def test_the_mesh_of_a_sphere_has_its_radius():
    vertices, faces = mesh_solid(sphere((0.01, 0, 0.05), 0.04))
    assert np.abs(np.linalg.norm(vertices - [0.01, 0, 0.05], axis=1) - 0.04).max() < 3e-4
    assert len(faces) <= 6000


def test_a_solid_that_is_too_large_is_refused():
    with pytest.raises(MeshingError, match="larger than"):
        mesh_solid(sphere((0, 0, 0), 0.5))
