"""Stage 1: coarse shape and layout, the occupancy of its voxels, and which voxels stage 2 refines."""

from .coordinates import EmptyStructureError, FittedVoxels, fit_voxels, occupied_voxels, prune_interior
from .decoder import StructureDecoder, StructureFields
from .flow import geometry_velocity
from .latents import LAYOUT, LAYOUT_CHANNELS, ROTATION, SHAPE, latent_sizes
from .network import Condition, GeometryNetwork
from .reconciling import reconciled

__all__ = [
    "LAYOUT",
    "LAYOUT_CHANNELS",
    "ROTATION",
    "SHAPE",
    "Condition",
    "EmptyStructureError",
    "FittedVoxels",
    "GeometryNetwork",
    "StructureDecoder",
    "StructureFields",
    "fit_voxels",
    "geometry_velocity",
    "latent_sizes",
    "occupied_voxels",
    "prune_interior",
    "reconciled",
]
