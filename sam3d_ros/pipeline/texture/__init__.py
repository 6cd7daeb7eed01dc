"""Textures of finished meshes, baked from finer surfaces or from Gaussians."""

from .bake import bake_texture
from .gaussian_colours import gaussian_colours
from .surface_colours import surface_colours
from .unwrap import UnwrapError

__all__ = ["UnwrapError", "bake_texture", "gaussian_colours", "surface_colours"]
