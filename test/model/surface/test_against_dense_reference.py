"""The sparse fast path beside a plain dense one: the same vertices, faces and attributes, number by number."""

from __future__ import annotations

import pytest
import torch
from surface_by_loops import dense_surface

from sam3d_ros.model.surface import extract_surface


def some_cubes(resolution, share, seed):
    generator = torch.Generator().manual_seed(seed)
    chosen = (torch.rand(resolution, resolution, resolution, generator=generator) < share).nonzero()
    chosen = chosen[torch.randperm(len(chosen), generator=generator)]
    return chosen, torch.randn(len(chosen), 101, generator=generator, dtype=torch.float64)


def assert_like_reference(surface, reference, atol):
    vertices, faces, attributes = (torch.as_tensor(part) for part in reference)
    torch.testing.assert_close(surface.vertices.double(), vertices, atol=atol, rtol=0)
    torch.testing.assert_close(surface.attributes.double(), attributes, atol=atol, rtol=0)
    assert torch.equal(surface.faces, faces)


@pytest.mark.parametrize(
    ("resolution", "share", "seed"), [(3, 1.0, 0), (5, 0.1, 1), (6, 0.5, 2), (7, 0.9, 3), (9, 1.0, 4)]
)
def test_random_channels_give_the_dense_surface(resolution, share, seed):
    cubes, channels = some_cubes(resolution, share, seed)
    reference = dense_surface(cubes.numpy(), channels.numpy(), resolution)
    assert_like_reference(extract_surface(cubes, channels, resolution), reference, atol=1e-12)


def test_single_precision_gives_the_dense_surface():
    cubes, channels = some_cubes(6, 0.6, 5)
    reference = dense_surface(cubes.numpy(), channels.float().double().numpy(), 6)
    # A crossing divides by a difference of sdf values, which are of order one here: rounding grows tenfold at most.
    assert_like_reference(extract_surface(cubes.int(), channels.float(), 6), reference, atol=2e-6)


def test_the_order_of_the_cubes_does_not_matter():
    cubes, channels = some_cubes(8, 0.5, 6)
    one, other = extract_surface(cubes, channels, 8), extract_surface(cubes.flip(0), channels.flip(0), 8)
    assert torch.equal(one.vertices, other.vertices)
    assert torch.equal(one.attributes, other.attributes)
    assert torch.equal(one.faces, other.faces)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_surface_of_the_cpu():
    cubes, channels = some_cubes(12, 0.5, 7)
    here, there = extract_surface(cubes, channels, 12), extract_surface(cubes.cuda(), channels.cuda(), 12)
    torch.testing.assert_close(there.vertices.cpu(), here.vertices, atol=1e-12, rtol=0)
    assert torch.equal(there.faces.cpu(), here.faces)
