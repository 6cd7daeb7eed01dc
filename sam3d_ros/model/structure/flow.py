"""The geometry network as a velocity field that a sampler integrates."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..sampling import Velocity
from .network import Condition, GeometryNetwork


def geometry_velocity(network: GeometryNetwork, condition: Condition, observed: Tensor | None = None) -> Velocity:
    """Velocities of stage 1 under a condition of `GeometryNetwork.project`, and what `observe` said where it was asked.

    A network with an embedding of the step size is told 0 as well, as the published one is in ordinary sampling.
    """

    def velocity(state: Mapping[str, Tensor], time: Tensor, step_size: Tensor, conditional: bool) -> dict[str, Tensor]:
        told = None if network.d_embedder is None else step_size
        answer: dict[str, Tensor] = network(
            state, time, condition if conditional else None, told, observed=observed if conditional else None
        )
        return answer

    return velocity
