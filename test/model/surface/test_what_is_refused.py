"""Bad fields get one clear error; empty ones an empty surface."""

from __future__ import annotations

import pytest
import torch

from sam3d_ros.model.surface import SurfaceError, extract_surface, surface_of_sdf

CUBES = torch.tensor([[0, 0, 0], [1, 2, 3]])


@pytest.mark.parametrize(
    ("cubes", "channels", "resolution", "words"),
    [
        (CUBES, torch.ones(2, 101), 0, "resolution is 0"),
        (CUBES.float(), torch.ones(2, 101), 4, "float32"),
        (torch.zeros(2, 4, dtype=torch.int64), torch.ones(2, 101), 4, r"\(2, 4\)"),
        (CUBES, torch.ones(2, 100), 4, r"\(2, 100\).*\[2, 101\]"),
        (CUBES, torch.ones(3, 101), 4, r"\(3, 101\).*\[2, 101\]"),
        (CUBES, torch.ones(2, 101, dtype=torch.int64), 4, "int64"),
        (CUBES, torch.ones(2, 101), 3, "0 to 3; the grid has 0 to 2"),
        (CUBES - 1, torch.ones(2, 101), 4, "from -1"),
        (CUBES[[0, 1, 1]], torch.ones(3, 101), 4, "1 cubes are given more than once"),
        (CUBES, torch.full((2, 101), torch.nan), 4, "202 values that are NaN"),
        (CUBES, torch.full((2, 101), -torch.inf), 4, "202 values that are NaN or infinite"),
    ],
)
def test_bad_cubes_and_channels_are_refused(cubes, channels, resolution, words):
    with pytest.raises(SurfaceError, match=words):
        extract_surface(cubes, channels, resolution)


@pytest.mark.parametrize(
    "sdf", [torch.ones(3, 3), torch.ones(3, 3, 4), torch.ones(1, 1, 1), torch.ones(3, 3, 3).long()]
)
def test_what_is_no_cubic_grid_is_refused(sdf):
    with pytest.raises(SurfaceError, match=r"sdf is torch"):
        surface_of_sdf(sdf)


def test_a_grid_with_a_bad_value_is_refused():
    sdf = torch.ones(3, 3, 3)
    sdf[1, 1, 1] = torch.nan
    with pytest.raises(SurfaceError, match="1 values"):
        surface_of_sdf(sdf)


@pytest.mark.parametrize("quad_centres", [False, True])
@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize("sign", [-1, 1])
def test_no_crossing_gives_an_empty_surface(count, sign, quad_centres):
    channels = sign * torch.full((count, 101), 5.0)
    resolution = 4 if sign > 0 else 1
    cubes = CUBES[:count] if sign > 0 else CUBES[: min(count, 1)]
    surface = extract_surface(cubes, channels[: len(cubes)], resolution, quad_centres=quad_centres)
    assert surface.vertices.shape == (0, 3)
    assert surface.faces.shape == (0, 3)
    assert surface.faces.dtype == torch.int64
    assert surface.colours.shape == (0, 3)
    assert surface.attributes.shape == (0, 6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_read_as_single(dtype):
    cubes = torch.cartesian_prod(*[torch.arange(4)] * 3)
    channels = torch.randn(64, 101, generator=torch.Generator().manual_seed(0)).to(dtype)
    surface, single = extract_surface(cubes, channels, 4), extract_surface(cubes, channels.float(), 4)
    assert surface.vertices.dtype == torch.float32
    assert torch.equal(surface.vertices, single.vertices)
    assert torch.equal(surface.faces, single.faces)


def test_the_inputs_are_left_alone():
    cubes, channels = CUBES.clone(), torch.randn(2, 101, generator=torch.Generator().manual_seed(0))
    before = channels.clone()
    extract_surface(cubes, channels, 4)
    assert torch.equal(cubes, CUBES)
    assert torch.equal(channels, before)
