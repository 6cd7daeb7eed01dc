"""Decoders of structured latents: Gaussians, the cubes of a mesh, and the cells of a field."""

from .cloud import GaussianCloud
from .field import FieldDecoder, VoxelFields
from .gaussians import GaussianDecoder
from .mesh import CUBE_CHANNELS, MeshDecoder

__all__ = ["CUBE_CHANNELS", "FieldDecoder", "GaussianCloud", "GaussianDecoder", "MeshDecoder", "VoxelFields"]
