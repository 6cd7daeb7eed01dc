"""Encoders that only training needs: from shapes to the latents that the decoders read."""

from .structure import Posterior, StructureEncoder

__all__ = ["Posterior", "StructureEncoder"]
