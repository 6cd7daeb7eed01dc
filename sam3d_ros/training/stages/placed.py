"""Objects placed at random in the cube, and what is true in chosen voxels of it: distances, colours, surface points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.nn import functional

from ...model.preprocess.cube import ViewCubes
from ...model.refinement import active_voxels
from ...model.sparse import Voxels
from ..data.store import ObjectStore
from ..data.targets import signed_distance
from ..engine.loading import Sample
from .shapes import RESOLUTION, TRUNCATION, random_placement
from .tables import ObjectTable

_BENDS = 5  # nodes along an edge of the noise by which voxels are chosen


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceTable:
    """Surface points of all objects on a device, by number: 0.15 MB each."""

    points: Tensor  # [K, M, 3] m, object frame
    normals: Tensor  # [K, M, 3] int8, outward, times 127
    colours: Tensor  # [K, M, 3] uint8 sRGB

    @classmethod
    def of(cls, store: ObjectStore, ids: Iterable[str], device: torch.device) -> SurfaceTable:
        """Of stored objects."""
        surfaces = [store.get(name).surface for name in ids]
        return cls(*(torch.from_numpy(np.stack([surface[k] for surface in surfaces])).to(device) for k in range(3)))


@dataclass(frozen=True, slots=True, eq=False)
class CubeSurface:
    """Surface points of a batch of objects in cube coordinates."""

    points: Tensor  # [B, M, 3]
    normals: Tensor  # [B, M, 3] outward
    colours: Tensor  # [B, M, 3] 0-1

    @classmethod
    def of(cls, table: SurfaceTable, numbers: Tensor, cubes: ViewCubes, T_cam_obj: Tensor) -> CubeSurface:
        """The points of the objects of these numbers [B], of which some may lie outside of their cubes."""
        points, normals, colours = (x.index_select(0, numbers) for x in (table.points, table.normals, table.colours))
        p_cam = points @ T_cam_obj[:, :3, :3].transpose(1, 2) + T_cam_obj[:, None, :3, 3]
        rotation = cubes.T_cam_cube[:, :3, :3].transpose(1, 2) @ T_cam_obj[:, :3, :3]
        turned = functional.normalize(normals.float(), dim=-1) @ rotation.transpose(1, 2)
        return cls(cubes.to_cube(p_cam), turned, colours.float() / 255)


@dataclass(frozen=True, slots=True)
class PreparePlaced:
    """Where a shape lies in the cube, and how far beside its surface voxels are chosen, as after a first stage."""

    bend: float = 0.6  # largest deviation of the surface by which voxels are chosen, in truncations

    def __call__(self, sample: Sample, rng: Generator, progress: float) -> Sample:
        """`object`, `T_cam_obj` [4, 4] and `edge` in metres (the camera is the cube), `bend` [n, n, n] and `seed`."""
        rotation, edge, centre = random_placement(np.asarray(sample["extents"]), rng)
        T_cam_obj = np.eye(4, dtype=np.float32)
        T_cam_obj[:3, :3], T_cam_obj[:3, 3] = rotation, centre
        bend = rng.uniform(0, self.bend) * rng.standard_normal((_BENDS,) * 3)
        return {
            "object": sample["object"],
            "T_cam_obj": T_cam_obj,
            "edge": np.float32(edge),
            "bend": bend.astype(np.float32),
            "seed": int(rng.integers(1 << 31)),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Objects in their cubes, and the voxels that are looked at."""

    distance: Tensor  # [B, 1, R, R, R] at voxel centres, in truncations, cut off at two of them
    surface: CubeSurface
    voxels: Voxels


@dataclass(frozen=True, slots=True, eq=False)
class PlacedTargets:
    """Truth of a batch of placed objects, in voxels near their bent surfaces."""

    table: ObjectTable
    surfaces: SurfaceTable
    resolution: int  # of the voxels
    reach: float  # truncations from the surface within which voxels are active

    def __call__(self, batch: Mapping[str, Tensor]) -> Truth:
        """Of a batch from `PreparePlaced`."""
        T_cam_cube = torch.eye(4, device=batch["edge"].device).repeat(len(batch["edge"]), 1, 1)
        cubes = ViewCubes(T_cam_cube, batch["edge"], torch.ones_like(batch["edge"], dtype=torch.bool))
        distance, surface = true_shape(self.table, self.surfaces, batch, cubes)
        bend = functional.interpolate(batch["bend"][:, None], distance.shape[2:], mode="trilinear", align_corners=True)
        return Truth(distance, surface, active_voxels(distance + bend, self.resolution, reach=self.reach))


def true_shape(
    table: ObjectTable, surfaces: SurfaceTable, batch: Mapping[str, Tensor], cubes: ViewCubes
) -> tuple[Tensor, CubeSurface]:
    """Distance [B, 1, R, R, R] in truncations and surface of the objects of a batch (`object`, `T_cam_obj`)."""
    volumes = table.rows(batch["object"]).volumes
    distance = signed_distance(cubes, batch["T_cam_obj"], volumes, RESOLUTION) * (RESOLUTION / TRUNCATION)
    surface = CubeSurface.of(surfaces, batch["object"], cubes, batch["T_cam_obj"])
    return distance[:, None].clamp(-2, 2), surface
