"""Stage 2: structured latents on the occupied voxels, by flow matching."""

from .flow import refinement_velocity
from .network import RefinementCondition, RefinementNetwork

__all__ = ["RefinementCondition", "RefinementNetwork", "refinement_velocity"]
