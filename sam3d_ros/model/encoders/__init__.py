"""Encoders that only training needs: from shapes to the latents that the decoders read."""

from .field import FieldEncoder
from .slat import SlatEncoder, SlatPosterior, SurfacePoints
from .structure import Posterior, StructureEncoder

__all__ = ["FieldEncoder", "Posterior", "SlatEncoder", "SlatPosterior", "StructureEncoder", "SurfacePoints"]
