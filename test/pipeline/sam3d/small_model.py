"""Weights of a small untrained model whose decoders are biased, so that a solid block comes out whatever goes in."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from sam3d_ros.model.config import SMALL, Sam3dConfig
from sam3d_ros.model.weights import Description, Source, WeightsFolder, write_random_weights, write_weights

# As SMALL, but the mesh has one subdivision only: a seventh of the time.
TINY = replace(SMALL, mesh=replace(SMALL.mesh, widths=SMALL.mesh.widths[:1]))
_SILU_OF_ONE = 1 / (1 + math.exp(-1.0))
_SDF = 8  # of the mesh decoder's channels, the first


def write_block_weights(folder: Path, config: Sam3dConfig = TINY, *, occupied: bool = True) -> Path:
    """Random weights that make all voxels occupied but the outermost (or none at all), and every cube there solid."""
    plain = write_plain_weights(folder.with_name(f"{folder.name}-plain"), config)
    random = WeightsFolder(plain)
    sources = {part: _biased(part, random.load(part).state_dict(), occupied) for part in random.parts}
    write_weights(folder, sources, Description(config, "float32", "biased for tests", "none"))
    return folder


def write_plain_weights(folder: Path, config: Sam3dConfig = TINY) -> Path:
    """Random weights, as `sam3d-ros weights random` makes them."""
    write_random_weights(folder, config, seed=1, dtype="float32")
    return folder


def _biased(part: str, tensors: dict[str, Tensor], occupied: bool) -> Source:
    biased = dict(tensors)
    if part == "structure_decoder":
        # The last convolution sees ones, and zeros beyond the border: 27 ones inside the grid, 18 or less at its edge.
        biased["out_layer.0.weight"] = torch.zeros_like(biased["out_layer.0.weight"])
        biased["out_layer.0.bias"] = torch.ones_like(biased["out_layer.0.bias"])
        kernel = biased["out_layer.2.weight"]
        biased["out_layer.2.weight"] = torch.full_like(kernel, 1 / kernel.shape[1])
        biased["out_layer.2.bias"] = torch.full_like(
            biased["out_layer.2.bias"], -22.5 * _SILU_OF_ONE if occupied else -99.0
        )
    if part == "mesh_decoder":
        biased["out_layer.weight"] = 0.02 * biased["out_layer.weight"]
        biased["out_layer.bias"] = torch.cat([torch.full((_SDF,), -0.5), biased["out_layer.bias"][_SDF:]])
    return Source(part, "", biased.__getitem__)
