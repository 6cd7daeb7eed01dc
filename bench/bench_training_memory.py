"""Memory of distilling or aligning the published sizes: counted at one and two blocks, scaled to all of them.

Weights are counted exactly. What is kept for the way back is counted on a CPU in float32, on an eighth of the tokens at
the published width, with one block and with two: their difference is that of a block. It grows with the tokens and the
blocks, and halves in bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from sam3d_ros.model import Sam3dConfig
from sam3d_ros.model.refinement import RefinementNetwork
from sam3d_ros.model.sparse import SparseTensor, Voxels
from sam3d_ros.model.structure import GeometryNetwork, latent_sizes
from sam3d_ros.training.stages.flows import geometry_flow, refinement_flow

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


@dataclass(frozen=True, slots=True)
class Built:
    """A network of so many blocks, and one object for it."""

    network: nn.Module
    tokens: Tensor  # [1, L, C] of its condition
    state: dict[str, Tensor]
    voxels: Voxels | None = None

    def passed(self) -> dict[str, Tensor]:
        """One pass."""
        flow = (
            geometry_flow(self.network, self.tokens)
            if self.voxels is None
            else refinement_flow(self.network, self.tokens, self.voxels)
        )
        return dict(flow.velocity(self.state, torch.tensor([0.3]), torch.zeros(1)))

    def begun(self) -> int:
        """Bytes of what the blocks begin with and look up: what is left to keep where they are computed again."""
        sizes: list[int] = []
        for block in self.network.blocks:
            block.register_forward_pre_hook(lambda _, inputs: sizes.extend(map(bytes_of, inputs)))
        with torch.no_grad():
            self.passed()
        return sum(sizes)


def bytes_of(x: object) -> int:
    """Of all tensors in an argument of a block."""
    if isinstance(x, Tensor):
        return x.numel() * x.element_size()
    if isinstance(x, SparseTensor):
        return bytes_of(x.features)
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, tuple) else ()
    return sum(map(bytes_of, parts))


def geometry(depth: int) -> Built:
    """Stage 1 on an eighth of the tokens."""
    config = replace(OFFICIAL.geometry, depth=depth, grid=OFFICIAL.geometry.grid // 2)
    tokens = torch.zeros(1, CONDITION[1] // PART, config.condition_width)
    state = {name: torch.zeros(1, *size) for name, size in latent_sizes(config).items()}
    return Built(GeometryNetwork(config), tokens, state)


def refinement(depth: int) -> Built:
    """Stage 2 on an eighth of the voxels, in a sheet two voxels thick, as the surface of an object is."""
    config = replace(OFFICIAL.refinement, depth=depth)
    tokens = torch.zeros(1, CONDITION[2] // PART, config.condition_width)
    sheet = torch.cartesian_prod(torch.zeros(1, dtype=torch.int64), *map(torch.arange, (2, 35, 64)))
    coords = sheet[: VOXELS // PART].int()
    state = {"slat": torch.zeros(len(coords), config.channels)}
    return Built(RefinementNetwork(config), tokens, state, Voxels(coords))


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
    for name, (make, build, depth) in stages.items():
        count = parameters(make)
        one, two = (kept(build(blocks).passed) for blocks in (1, 2))
        block, outside, begun = two - one, 2 * one - two, build(1).begun()
        whole, again = (PART * x / 2 / GIB for x in (outside + depth * block, outside + depth * begun + block))  # bf16
        print(
            f"{name}: {count / 1e6:.0f} M parameters, states {TRAINED * count / GIB:.1f} GiB, teacher "
            f"{TEACHER * count / GIB:.1f} GiB, kept {whole:.1f} GiB an object, with recomputed blocks {again:.1f} GiB",
            flush=True,
        )


if __name__ == "__main__":
    main()
