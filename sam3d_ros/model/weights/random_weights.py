"""Weights that anyone can make: random numbers at any size, for benchmarks and tests. The results mean nothing."""

from __future__ import annotations

import zlib
from pathlib import Path

import torch
from torch import Tensor

from ..config import Sam3dConfig
from .manifest import Manifest
from .parts import PARTS, stored_specs
from .shards import TensorSpec
from .writing import Description, Progress, Source, write_weights

LICENCE = "none: random numbers, not trained"


def write_random_weights(
    output: Path, config: Sam3dConfig, *, seed: int, dtype: str = "float16", progress: Progress | None = None
) -> Manifest:
    """Write a weights folder of random numbers, the same for the same sizes and seed."""
    sources = {name: _source(name, stored_specs(name, config, torch.float32), seed) for name in PARTS}
    description = Description(config, dtype, f"random, seed {seed}", LICENCE)
    return write_weights(output, sources, description, progress=progress)


def random_tensor(key: str, spec: TensorSpec, seed: int) -> Tensor:
    """Float32 numbers that keep activations near one: norms about 1, biases about 0, others by their inputs.

    Each tensor has a generator of its own, so that it depends on neither order nor neighbours.
    """
    generator = torch.Generator().manual_seed(zlib.crc32(key.encode()) ^ seed)
    noise = torch.randn(spec.shape, generator=generator)
    name = key.rpartition(".")[2]
    if len(spec.shape) < 2 or name == "gamma":
        return 0.02 * noise + (1.0 if name in ("weight", "gamma") else 0.0)
    return noise * (spec.numel / spec.shape[0]) ** -0.5


def _source(name: str, specs: dict[str, TensorSpec], seed: int) -> Source:
    return Source(name, "", lambda key: random_tensor(f"{name}.{key}", specs[key], seed))
