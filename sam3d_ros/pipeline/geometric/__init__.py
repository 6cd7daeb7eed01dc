"""Classical completion of objects: visible surface, support plane, mirror symmetry, free space."""

from .backend import GeometricBackend
from .config import GeometricConfig

__all__ = ["GeometricBackend", "GeometricConfig"]
