"""Distillation and preferences of a network by itself, its condition tokens given: any size, either stage.

What a batch holds beside `tokens` [B, L, C]: latents of stage 1 as [B, L, channels]; of stage 2 those of one object,
[1, N, channels], with `coords` [1, N, 3] of its voxels, so that objects of any number of voxels can be its samples.
Names of latents come after `data_`, `noise_`, `chosen_` or `rejected_`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from ....model.refinement import RefinementNetwork
from ....model.sparse import Voxels
from ....model.structure import GeometryNetwork
from ...losses.preference import implicit_accuracy, preference_loss
from .conditioned import Flow, geometry_flow, refinement_flow
from .preferences import Pair, preference_errors
from .shortcuts import ShortcutBatch, StepSizes, shortcut_errors
from .step_size import settle_step_size

Network = GeometryNetwork | RefinementNetwork


class FlowDistillation(nn.Module):
    """Shortcuts of the network as it is when this is made, which stays as a frozen teacher."""

    def __init__(self, network: Network, sizes: StepSizes, weights: Mapping[str, float]) -> None:
        """`weights` of the latents; the network gets an embedding of the step size where it has none."""
        super().__init__()
        self.sizes, self.weights = sizes, weights
        self._teacher = (frozen(network),)  # in a tuple, so that it is no part of what is trained and saved
        settle_step_size(network)
        self.network = network

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Terms of a batch with `data_*`, `noise_*`, `time` [B] and `step_size` [B], 0 where it is flow matching."""
        d = batch["step_size"].float()
        drawn = ShortcutBatch(latents(batch, "data_"), latents(batch, "noise_"), batch["time"].float(), d)
        student, teacher = bound(self.network, batch), bound(self._teacher[0].to(d.device), batch)
        errors = shortcut_errors(student, teacher, drawn, self.sizes, self.weights)
        return {"shortcut": (errors * (d > 0)).mean(), "flow": (errors * (d == 0)).mean()}


class FlowPreference(nn.Module):
    """Preferences against the network as it is when this is made, which stays as the frozen reference."""

    def __init__(self, network: Network, beta: float) -> None:
        super().__init__()
        self.beta, self.network = beta, network
        self._reference = (frozen(network),)

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The loss of a batch with `chosen_*`, `rejected_*`, `noise_*` and `time` [B], and its implicit accuracy."""
        t = batch["time"].float()
        pair = Pair(latents(batch, "chosen_"), latents(batch, "rejected_"), latents(batch, "noise_"), t)
        with torch.no_grad():
            reference = preference_errors(bound(self._reference[0].to(t.device), batch), pair)
        errors = preference_errors(bound(self.network, batch), pair)
        loss = preference_loss(errors, reference, self.beta)
        return {"preference": loss, "accuracy": implicit_accuracy(errors, reference)}


def frozen(network: Network) -> Network:
    """A copy that nothing trains."""
    copied: Network = copy.deepcopy(network).requires_grad_(False).eval()
    return copied


def bound(network: Network, batch: Mapping[str, Tensor]) -> Flow:
    """The network's flow under the conditions of a batch."""
    if isinstance(network, GeometryNetwork):
        return geometry_flow(network, batch["tokens"])
    return refinement_flow(network, batch["tokens"], Voxels(functional.pad(batch["coords"][0].int(), (1, 0))))


def latents(batch: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Latents of a batch by their own names; those on voxels without the dimension of the batch."""
    own = {name.removeprefix(prefix): x.float() for name, x in batch.items() if name.startswith(prefix)}
    return {name: x[0] for name, x in own.items()} if "coords" in batch else own
