"""FlexiCubes: the triangle mesh of a signed distance field given on few cubes of a large grid (Shen et al. 2023)."""

from .extract import extract_surface, surface_of_sdf
from .field import colours_at, dense_distance
from .result import Surface
from .validation import SurfaceError

__all__ = ["Surface", "SurfaceError", "colours_at", "dense_distance", "extract_surface", "surface_of_sdf"]
