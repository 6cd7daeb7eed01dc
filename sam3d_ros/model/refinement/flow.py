"""The refinement network as a velocity field that a sampler integrates."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ..sampling import Velocity
from ..sparse import SparseTensor, Voxels
from .network import RefinementCondition, RefinementNetwork


def refinement_velocity(
    network: RefinementNetwork, condition: RefinementCondition, voxels: Voxels, told_of_voxels: Tensor | None = None
) -> Velocity:
    """Velocities of stage 2 on these voxels; the state has one entry, `slat` [N, channels].

    The condition is from `RefinementNetwork.project`, and what is told of voxels from `tell`, for a network that is
    told something. The published network knows no step size and is told none.
    """

    def velocity(state: Mapping[str, Tensor], time: Tensor, step_size: Tensor, conditional: bool) -> dict[str, Tensor]:
        told = None if network.d_embedder is None else step_size
        x = SparseTensor(voxels, state["slat"])
        own = condition if conditional else None
        return {"slat": network(x, time, own, told, told_of_voxels=told_of_voxels).features}

    return velocity
