"""Memory of distilling or aligning the published sizes: counted at one and two blocks, scaled to all of them.

Weights are counted exactly. What is kept for the way back is counted on a CPU in float32, on an eighth of the tokens at
the published width, with one block and with two: their difference is that of a block. It grows with the tokens and the
blocks, and halves in bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from sam3d_ros.model import Sam3dConfig
from sam3d_ros.model.refinement import RefinementNetwork
from sam3d_ros.model.sparse import Voxels
from sam3d_ros.model.structure import GeometryNetwork, latent_sizes
from sam3d_ros.training.stages.flows import Flow, geometry_flow, recompute_blocks, refinement_flow

OFFICIAL = Sam3dConfig()
PART = 8  # tokens and condition tokens are so many times fewer than published
VOXELS = 20_000  # of an object in stage 2
VIT = OFFICIAL.stage1_embedder.vit
CONDITION = {1: 4 * (VIT.patches + 1) + 2 * 1024, 2: 4 * (VIT.patches + 1 + VIT.registers)}
GIB = 2**30
TRAINED = 4 + 4 + 8 + 4  # bytes of a parameter: itself, its gradient, AdamW's two moments, its average
TEACHER = 2  # bytes, in bfloat16


def kept(velocity: Callable[[], dict[str, Tensor]]) -> int:
    """Bytes that are kept for the way back, weights aside."""
    storages: dict[int, int] = {}

    def keep(x: Tensor) -> Tensor:
        if not isinstance(x, nn.Parameter):
            storages[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        answer = velocity()
    assert answer
    return sum(storages.values())


def run(flow: Flow, state: dict[str, Tensor]) -> int:
    """Bytes kept by one pass."""
    t = torch.tensor([0.3])
    return kept(lambda: dict(flow.velocity(state, t, torch.zeros(1))))


def geometry(depth: int, recomputed: bool) -> int:
    """Stage 1 with so many blocks, on an eighth of the tokens."""
    config = replace(OFFICIAL.geometry, depth=depth, grid=OFFICIAL.geometry.grid // 2)
    network = GeometryNetwork(config)
    if recomputed:
        recompute_blocks(network)
    tokens = torch.zeros(1, CONDITION[1] // PART, config.condition_width)
    state = {name: torch.zeros(1, *size) for name, size in latent_sizes(config).items()}
    return run(geometry_flow(network, tokens), state)


def refinement(depth: int, recomputed: bool) -> int:
    """Stage 2 with so many blocks, on an eighth of the voxels."""
    config = replace(OFFICIAL.refinement, depth=depth)
    network = RefinementNetwork(config)
    if recomputed:
        recompute_blocks(network)
    tokens = torch.zeros(1, CONDITION[2] // PART, config.condition_width)
    # A sheet two voxels thick, as the surface of an object is.
    sheet = torch.cartesian_prod(torch.zeros(1, dtype=torch.int), torch.arange(2), torch.arange(35), torch.arange(64))
    coords = sheet[: VOXELS // PART].int()
    return run(refinement_flow(network, tokens, Voxels(coords)), {"slat": torch.zeros(len(coords), config.channels)})


def parameters(make: Callable[[], nn.Module]) -> int:
    """Numbers of a network, which is not filled."""
    with torch.device("meta"):
        return sum(p.numel() for p in make().parameters())


def main() -> None:
    """One line for each stage."""
    torch.manual_seed(0)
    stages = {
        "stage 1": (lambda: GeometryNetwork(OFFICIAL.geometry), geometry, OFFICIAL.geometry.depth),
        "stage 2": (lambda: RefinementNetwork(OFFICIAL.refinement), refinement, OFFICIAL.refinement.depth),
    }
    for name, (make, keeps, depth) in stages.items():
        count = parameters(make)
        line = f"{name}: {count / 1e6:.0f} M parameters, states {TRAINED * count / GIB:.1f} GiB"
        line += f", teacher {TEACHER * count / GIB:.1f} GiB"
        for recomputed in (False, True):
            one, two = (keeps(blocks, recomputed) for blocks in (1, 2))
            whole = PART * (one + (depth - 1) * (two - one)) / 2  # bfloat16
            line += f"; kept {'with recomputed blocks' if recomputed else 'as it is'} {whole / GIB:.1f} GiB an object"
        print(line, flush=True)


if __name__ == "__main__":
    main()
