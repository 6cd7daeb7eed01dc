"""The order in which noise is drawn from a seed."""

from __future__ import annotations

import pytest
import torch

from sam3d_ros.model.config import GeometryConfig
from sam3d_ros.model.sampling import draw_latents, draw_voxel_noise
from sam3d_ros.model.structure import latent_sizes

SIZES = latent_sizes(GeometryConfig())


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_latents_are_those_of_the_published_model():
    assert SIZES == {
        "shape": (4096, 8),
        "6drotation_normalized": (1, 6),
        "translation": (1, 3),
        "scale": (1, 3),
        "translation_scale": (1, 1),
    }


def test_noise_is_drawn_in_alphabetical_order_with_the_shape_in_between():
    """Trap 11."""
    torch.manual_seed(7)
    expected = {
        "6drotation_normalized": torch.randn(1, 1, 6),
        "scale": torch.randn(1, 1, 3),
        "shape": torch.randn(1, 4096, 8),
        "translation": torch.randn(1, 1, 3),
        "translation_scale": torch.randn(1, 1, 1),
    }
    drawn = draw_latents(SIZES, [generator(7)])
    assert all(torch.equal(drawn[name], value) for name, value in expected.items())
    assert set(drawn) == set(expected)


def test_the_noise_of_stage_2_follows_that_of_stage_1_from_the_same_generator():
    """Trap 46."""
    torch.manual_seed(7)
    for name in sorted(SIZES):
        torch.randn(1, *SIZES[name])
    expected = torch.randn(1, 500, 8)
    one = generator(7)
    draw_latents(SIZES, [one])
    assert torch.equal(draw_voxel_noise([500], 8, [one]), expected[0])


def test_an_object_of_a_batch_gets_the_noise_that_it_gets_alone():
    """Trap 50."""
    generators = [generator(1), generator(2)]
    together = draw_latents(SIZES, generators)
    voxels = draw_voxel_noise([30, 50], 8, generators)
    alone = generator(2)
    assert all(torch.equal(x, together[name][1:]) for name, x in draw_latents(SIZES, [alone]).items())
    assert torch.equal(draw_voxel_noise([50], 8, [alone]), voxels[30:])


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    draw_latents(SIZES, [generator(0)])
    assert torch.equal(torch.get_rng_state(), before)


def test_each_object_needs_a_generator_of_its_own():
    with pytest.raises(ValueError, match="zip"):
        draw_voxel_noise([3, 4], 8, [generator(0)])
