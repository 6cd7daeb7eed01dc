"""From an observation to the cube in which a shape is predicted, and the truth and the observation in that cube.

A cube lies along the viewing ray of the mask. Cube coordinates run from -0.5 to 0.5 along x (right), y (down) and z
(away from the camera). Volumes are [B, x, y, z] and hold values at voxel centres (i + 0.5) / R - 0.5.
"""

from .cube import ViewCubes, view_cubes
from .observed import VoxelState, observe
from .truth import DistanceVolumes, ObjectTruth, signed_distance, surface_in_cube

__all__ = [
    "DistanceVolumes",
    "ObjectTruth",
    "ViewCubes",
    "VoxelState",
    "observe",
    "signed_distance",
    "surface_in_cube",
    "view_cubes",
]
