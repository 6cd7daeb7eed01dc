"""Files for planners and pose estimators: a centred OBJ for each object, and the completed surface as one cloud."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..geometry import Mesh
from ..geometry.mesh_io import write_atomically, write_obj
from ..geometry.sampling import SurfaceSamples, sample_surface
from .body import SceneBody

CLOUD_NAME = "completed_cloud.ply"
_POINT = np.dtype([("xyz", "<f4", 3), ("normal", "<f4", 3), ("rgb", "u1", 3)])


def write_planner_files(folder: Path, bodies: Sequence[SceneBody], *, points: int) -> None:
    """Write `object_<id>.obj` (object frame, origin at the box centre, metres) and the cloud as it was seen."""
    for body in bodies:
        write_obj(folder / f"{body.name}.obj", body.mesh)
    write_atomically(folder / CLOUD_NAME, encode_cloud(completed_cloud(bodies, points)))


def completed_cloud(bodies: Sequence[SceneBody], points: int) -> SurfaceSamples:
    """Points spread evenly over all surfaces, seen and hidden, in the camera frame, with outward normals."""
    meshes = [body.mesh.transformed(body.T_cam_obj) for body in bodies]
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    triangles = [mesh.triangles + start for mesh, start in zip(meshes, starts, strict=True)]
    together = Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate(triangles),
        np.concatenate([mesh.vertex_colors for mesh in meshes]),
    )
    return sample_surface(together, points, seed=0)


def encode_cloud(samples: SurfaceSamples) -> bytes:
    """The bytes of a binary PLY of points with normals and colours, in the frame of the samples, metres."""
    rows = np.empty(len(samples.points), _POINT)
    rows["xyz"], rows["normal"], rows["rgb"] = samples.points, samples.normals, samples.colors
    lines = ["ply", "format binary_little_endian 1.0", "comment camera optical frame, metres, sRGB"]
    lines += [f"element vertex {len(rows)}", *(f"property float {name}" for name in ("x", "y", "z", "nx", "ny", "nz"))]
    lines += [*(f"property uchar {name}" for name in ("red", "green", "blue")), "end_header", ""]
    return "\n".join(lines).encode("ascii") + rows.tobytes()
