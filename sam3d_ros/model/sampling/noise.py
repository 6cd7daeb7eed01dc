"""Noise to start from, drawn in the published order, so that a seed gives the published numbers.

Each object draws from its own generator: an object in a batch gets what it gets alone. A generator that served
`draw_latents` goes on to `fit_voxels` and then to `draw_voxel_noise`. CPU and CUDA generators differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def draw_latents(
    sizes: Mapping[str, tuple[int, int]], generators: Sequence[torch.Generator], *, device: torch.device | None = None
) -> dict[str, Tensor]:
    """Normal noise [B, tokens, channels] float32 of each latent, one batch entry for each generator.

    The latents are visited in alphabetical order of their names, not in that of `sizes`. The noise is drawn where the
    generators are and then moved to `device`.
    """
    drawn = [{name: _draw(sizes[name], generator) for name in sorted(sizes)} for generator in generators]
    return {name: torch.stack([latents[name] for latents in drawn]).to(device) for name in sizes}


def draw_voxel_noise(
    counts: Sequence[int], channels: int, generators: Sequence[torch.Generator], *, device: torch.device | None = None
) -> Tensor:
    """Normal noise [N, channels] float32 of the voxels of several objects, one after the other; N is sum(counts)."""
    drawn = [_draw((count, channels), generator) for count, generator in zip(counts, generators, strict=True)]
    return torch.cat(drawn).to(device)


def _draw(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device)
