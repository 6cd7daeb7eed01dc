"""Tensors by name: the weights and inputs of the parity tests, equal on every machine and in every later version.

A tensor comes from numpy's legacy stream `RandomState`, which is frozen for ever, seeded with the CRC-32 of its name.
So the golden files need to hold outputs alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn


def seeded(name: str, *shape: int, scale: float = 1.0) -> Tensor:
    """Normal numbers of a name, float32 [*shape], with `scale` as standard deviation."""
    stream = np.random.RandomState(crc32(name.encode()))
    return torch.from_numpy((stream.standard_normal(shape) * scale).astype(np.float32))


def seeded_uniform(name: str, *shape: int) -> Tensor:
    """Numbers between 0 and 1 of a name, float32 [*shape]."""
    return torch.from_numpy(np.random.RandomState(crc32(name.encode())).random_sample(shape).astype(np.float32))


def seeded_voxels(name: str, grid: int, count: int) -> Tensor:
    """`count` different voxels of a grid, int32 [count, 4]: batch (0), x, y, z in ascending order."""
    chosen = np.sort(np.random.RandomState(crc32(name.encode())).permutation(grid**3)[:count])
    xyz = np.stack(np.unravel_index(chosen, (grid,) * 3), axis=1)
    return torch.from_numpy(np.concatenate([np.zeros((count, 1)), xyz], axis=1).astype(np.int32))


def seeded_weight(key: str, shape: Iterable[int], *, salt: str = "") -> Tensor:
    """The weight of a key: norms near 1, small biases, matrices and kernels that keep their input's size."""
    shape = tuple(shape)
    kind = key.rsplit(".", 1)[-1]
    normal = seeded(salt + key, *shape)
    if kind == "gamma" or (kind == "weight" and len(shape) == 1):
        return 1 + 0.1 * normal
    if kind == "bias":
        return 0.1 * normal
    if kind == "weight":
        return normal / (normal.numel() / shape[0]) ** 0.5
    return 0.5 * normal  # tokens and position terms


def seeded_state(shapes: Mapping[str, Iterable[int]], *, salt: str = "") -> dict[str, Tensor]:
    """State dict of a module from the shapes of its keys; another `salt` gives other weights."""
    return {key: seeded_weight(key, shape, salt=salt) for key, shape in shapes.items()}


def with_seeded_weights(module: nn.Module, *, salt: str = "") -> nn.Module:
    """The module itself, in eval mode, every key of its state dict seeded by its name."""
    shapes = {key: tensor.shape for key, tensor in module.state_dict().items()}
    module.load_state_dict(seeded_state(shapes, salt=salt), strict=True)
    return module.eval()
