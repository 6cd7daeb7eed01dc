"""SAM 3D Objects behind the pipeline's door. Imports torch."""

from .backend import Sam3dBackend
from .settings import Sam3dSettings

__all__ = ["Sam3dBackend", "Sam3dSettings"]
