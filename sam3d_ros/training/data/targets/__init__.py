"""The true shape of an object in the cube in which it is to be predicted (`model/preprocess/cube.py`)."""

from .truth import DistanceVolumes, ObjectTruth, signed_distance, surface_in_cube

__all__ = ["DistanceVolumes", "ObjectTruth", "signed_distance", "surface_in_cube"]
