"""Stage 2: structured latents on the occupied voxels, by flow matching."""

from .active import active_voxels, refined_voxels
from .features import VOXEL_FEATURES, looked_up, voxel_features
from .flow import refinement_velocity
from .network import RefinementCondition, RefinementNetwork

__all__ = [
    "VOXEL_FEATURES",
    "RefinementCondition",
    "RefinementNetwork",
    "active_voxels",
    "looked_up",
    "refined_voxels",
    "refinement_velocity",
    "voxel_features",
]
