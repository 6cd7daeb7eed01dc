"""What training minimises, as functions of tensors."""

from .flow import interpolate, squared_error
from .structure import StructureWeights, structure_losses

__all__ = ["StructureWeights", "interpolate", "squared_error", "structure_losses"]
