"""A flow network under the conditions of a batch, whatever its latents: what distillation and preferences train."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ....model.refinement import RefinementNetwork, refinement_velocity
from ....model.sampling import TIME_SCALE, Velocity
from ....model.sparse import Voxels
from ....model.structure import GeometryNetwork, geometry_velocity
from ...losses.rows import DENSE, Rows, VoxelRows
from ...losses.shortcut import Field, State, guided

_LEAST_REST = 1e-3  # of the way to the data: nearer to it the networks extrapolate no velocity


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Velocities at times t [B] under step sizes d [B], both from 0 to 1."""

    field: Velocity
    rows: Rows
    clean: bool = False  # the network answers with the data, from which the velocity follows

    def velocity(self, state: State, t: Tensor, d: Tensor) -> State:
        """Under the condition."""
        return self.field(state, TIME_SCALE * t, TIME_SCALE * d, True)

    def unconditional(self, state: State, t: Tensor, d: Tensor) -> State:
        """Under no condition."""
        return self.field(state, TIME_SCALE * t, TIME_SCALE * d, False)

    def teacher(self, guidance: float) -> Field:
        """The ordinary flow, which is told step sizes of 0 whatever steps are made; guided if `guidance` is not 0."""

        def told_nothing(field: Field) -> Field:
            return lambda state, t, d: field(state, t, torch.zeros_like(d))

        return guided(told_nothing(self.velocity), told_nothing(self.unconditional), guidance)

    def weight(self, t: Tensor) -> Tensor:
        """Weight [B] of squared errors of velocities at t.

        1, and (1 - t)^2 where the network says the data: then the weighted error is that of the data, on which such
        networks are trained. Their velocity errors alone would count without bound near t = 1.
        """
        return (1 - t).clamp(min=_LEAST_REST).square() if self.clean else torch.ones_like(t)


def geometry_flow(
    network: GeometryNetwork, tokens: Tensor, observed: Tensor | None = None, *, layout: bool = True
) -> Flow:
    """Stage 1 under condition tokens [B, L, C] and what `observe` said; without `layout` for the shape alone."""
    condition = network.project(tokens, layout=layout)
    return Flow(geometry_velocity(network, condition, observed), DENSE, clean=network.predicts_clean)


def refinement_flow(network: RefinementNetwork, tokens: Tensor, voxels: Voxels, features: Tensor | None = None) -> Flow:
    """Stage 2 under condition tokens, one row per object; its state is `slat` [N, channels] on these voxels.

    `features` [N, F] of the voxels are for networks that are told some.
    """
    told = None if features is None else network.tell(features)
    field = refinement_velocity(network, network.project(tokens), voxels, told)
    return Flow(field, VoxelRows(voxels), clean=network.config.prediction == "clean")
