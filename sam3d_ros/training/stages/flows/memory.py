"""Less memory for large networks: what happens within a block is computed again on the way back."""

from __future__ import annotations

from functools import partial

from torch.utils.checkpoint import checkpoint

from ....model.refinement import RefinementNetwork
from ....model.structure import GeometryNetwork


def recompute_blocks(network: GeometryNetwork | RefinementNetwork) -> None:
    """Let the network keep nothing of its transformer blocks but what they begin with; gradients stay the same."""
    for block in network.blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)
