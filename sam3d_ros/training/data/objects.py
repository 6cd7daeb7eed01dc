"""An object as the generator keeps it: mesh, fine colours, resting poses, distance grid and surface points."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from ...geometry import Mesh
from ...geometry.sampling import sample_surface
from ..synthetic.props import Finish
from ..synthetic.surface import Array
from .colour_voxels import ColourVoxels
from .creases import corner_normals
from .distance_grid import DistanceGrid, distance_grid
from .resting import stable_rotations

DENSE = 240_000  # surface points from which the fine colours are made
SURFACE = 8192  # surface points that are kept


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """What a list of objects says about each of them."""

    id: str
    family: str
    kind: str  # "procedural" or "scan"
    split: str  # "train" or "val"
    extents: tuple[float, float, float]  # m, of the box in the object frame
    licence: str


@dataclass(frozen=True)
class StoredObject:
    """An object of the store. Object frame: centred on its box, metres; members are read when they are asked for."""

    record: ObjectRecord
    finish: Finish
    members: Any  # of the file, by name

    @cached_property
    def mesh(self) -> Mesh:
        return Mesh(self.members["vertices"], self.members["faces"].astype(np.int32), self.members["vertex_colors"])

    @cached_property
    def corner_normals(self) -> NDArray[np.int8]:
        """Outward [T, 3, 3] times 127."""
        normals: NDArray[np.int8] = self.members["corner_normals"]
        return normals

    @cached_property
    def colors(self) -> ColourVoxels:
        m = self.members
        levels = range(2)
        keys, colors = (tuple(m[f"{name}_{k}"] for k in levels) for name in ("color_keys", "colors"))
        return ColourVoxels(m["color_origin"], float(m["color_size"]), keys, colors)

    @cached_property
    def resting(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Rotations [K, 3, 3] into resting poses with z up, and their probabilities [K]."""
        return self.members["resting"], self.members["resting_probability"]

    @cached_property
    def distances(self) -> DistanceGrid:
        m = self.members
        return DistanceGrid(m["distance"], m["distance_low"], m["distance_high"], float(m["distance_truncation"]))

    @cached_property
    def surface(self) -> tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.uint8]]:
        """Points [8192, 3], outward normals times 127 [8192, 3], sRGB colours [8192, 3]; in random order."""
        return self.members["points"], self.members["point_normals"], self.members["point_colors"]

    @cached_property
    def _rays(self) -> Any:
        scene = o3d.t.geometry.RaycastingScene(nthreads=1)
        triangles = self.mesh.triangles.astype(np.uint32)
        scene.add_triangles(o3d.core.Tensor.from_numpy(self.mesh.vertices), o3d.core.Tensor.from_numpy(triangles))
        return scene

    def met_by(self, directions: NDArray[np.float32], T_cam_obj: Array) -> NDArray[np.bool_]:
        """Whether rays [N, 3] from the origin of the camera meet the object."""
        local = directions @ T_cam_obj[:3, :3].astype(np.float32)
        origin = (-T_cam_obj[:3, :3].T @ T_cam_obj[:3, 3]).astype(np.float32)
        rays = np.concatenate([np.broadcast_to(origin, local.shape), local], axis=1)
        met: NDArray[np.bool_] = self._rays.test_occlusions(o3d.core.Tensor.from_numpy(rays), nthreads=1).numpy()
        return met


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """Coloured points all over a surface."""

    points: Array  # [S, 3]
    normals: Array  # [S, 3]
    colors: Array  # [S, 3] 0-1


def dense_points(mesh: Mesh, seed: int) -> Dense:
    """Points drawn evenly by area, with the colours of the vertices."""
    samples = sample_surface(mesh, DENSE, seed)
    return Dense(samples.points, samples.normals, samples.colors / 255.0)


def write_object(path: Path, record: ObjectRecord, mesh: Mesh, dense: Dense, finish: Finish) -> None:
    """Computes what belongs to an object and writes it as one compressed file, complete or not at all."""
    grid = distance_grid(mesh.vertices, mesh.triangles, dense.points)
    voxels = ColourVoxels.of(dense.points, dense.colors)
    rotations, probability = stable_rotations(mesh.vertices)
    chosen = np.random.default_rng(0).permutation(len(dense.points))[:SURFACE]
    about = {"record": asdict(record), "finish": asdict(finish)}
    arrays: dict[str, Any] = {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "vertices": mesh.vertices,
        "faces": mesh.triangles.astype(np.uint16 if len(mesh.vertices) < 65536 else np.int32),
        "vertex_colors": mesh.vertex_colors,
        "corner_normals": corner_normals(mesh.vertices, mesh.triangles),
        "color_origin": voxels.origin,
        "color_size": voxels.size,
        "resting": rotations,
        "resting_probability": probability,
        "distance": grid.values,
        "distance_low": grid.low,
        "distance_high": grid.high,
        "distance_truncation": grid.truncation,
        "points": dense.points[chosen].astype(np.float32),
        "point_normals": np.rint(127 * dense.normals[chosen]).astype(np.int8),
        "point_colors": np.rint(255 * dense.colors[chosen]).astype(np.uint8),
    }
    for level, (keys, colors) in enumerate(zip(voxels.keys, voxels.colors, strict=True)):
        arrays |= {f"color_keys_{level}": keys, f"colors_{level}": colors}
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(file, **arrays)
    part.replace(path)


def read_object(path: Path) -> StoredObject:
    """The object of a file; its arrays are read when they are first asked for."""
    members = np.load(path)
    about = json.loads(members["about"].tobytes())
    record = about["record"] | {"extents": tuple(about["record"]["extents"])}
    return StoredObject(ObjectRecord(**record), Finish(**about["finish"]), members)
