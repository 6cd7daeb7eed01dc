"""Encoders that only training needs: from shapes to the latents that the decoders read."""

from .slat import SlatEncoder, SlatPosterior, SurfacePoints, active_voxels
from .structure import Posterior, StructureEncoder

__all__ = ["Posterior", "SlatEncoder", "SlatPosterior", "StructureEncoder", "SurfacePoints", "active_voxels"]
