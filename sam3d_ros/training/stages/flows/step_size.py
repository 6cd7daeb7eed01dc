"""The embedding of the step size, made ready for distillation: at first it changes nothing."""

from __future__ import annotations

from dataclasses import replace

import torch

from ....model.layers import StepEmbedding
from ....model.refinement import RefinementNetwork
from ....model.structure import GeometryNetwork


def settle_step_size(network: GeometryNetwork | RefinementNetwork) -> None:
    """Let the network answer under every step size as it did under 0, or under none where it could not be told any.

    A network without the embedding gets one whose last layer is zero. One that was only ever told 0 has learnt an
    answer to that and to nothing else: it becomes the answer to all.
    """
    if network.d_embedder is None:
        network.d_embedder = _silent(network)
        if isinstance(network, RefinementNetwork):
            network.config = replace(network.config, step_size=True)
        return
    last = network.d_embedder.mlp[-1]
    with torch.no_grad():
        last.bias.copy_(network.d_embedder(last.bias.new_zeros(1))[0])
        last.weight.zero_()


def _silent(network: GeometryNetwork | RefinementNetwork) -> StepEmbedding:
    like = network.t_embedder.mlp[-1].weight
    embedding: StepEmbedding = StepEmbedding(len(like)).to(like)
    with torch.no_grad():
        embedding.mlp[-1].weight.zero_()
        embedding.mlp[-1].bias.zero_()
    return embedding
