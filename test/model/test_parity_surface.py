"""FlexiCubes against the original's (see `golden`): vertices, faces and colours from the same raw cube channels.

The original works on the dense grid; its vertices and faces come in a fixed order, which ours share.
"""

from __future__ import annotations

import pytest
import torch
from cases import SURFACES, surface_case
from golden import golden_part, relative_error

from sam3d_ros.model.surface import extract_surface


@pytest.mark.parametrize("name", SURFACES)
def test_the_surface_is_that_of_the_original_vertex_by_vertex_and_face_by_face(name):
    coords, raw, cubes = surface_case(name)
    surface = extract_surface(coords[:, 1:], raw, cubes)
    theirs = golden_part("surface", name)
    assert relative_error(surface.vertices, theirs["vertices"]) < 1e-5
    assert relative_error(surface.attributes, theirs["colours"]) < 1e-5
    assert torch.equal(surface.faces, theirs["faces"].long())
    assert torch.equal(surface.colours, surface.attributes[:, :3])


def test_the_golden_surfaces_hold_inactive_cubes_and_every_number_of_patches():
    """What the golden surfaces are good for: half the surface outside the active cubes, cubes with 1 to 4 patches."""
    coords, _, cubes = surface_case("patches")
    active = set(map(tuple, coords[:, 1:].tolist()))
    where = torch.floor((golden_part("surface", "patches")["vertices"] + 0.5) * cubes).int().tolist()
    assert sum(tuple(cube) not in active for cube in where) > 100
