"""Decoders of structured latents: Gaussians, and the cubes of a mesh."""

from .cloud import GaussianCloud
from .gaussians import GaussianDecoder
from .mesh import CUBE_CHANNELS, MeshDecoder

__all__ = ["CUBE_CHANNELS", "GaussianCloud", "GaussianDecoder", "MeshDecoder"]
