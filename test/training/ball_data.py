"""Balls, red on the left and blue on the right, as objects and as views: data of the stages that refine voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from sam3d_ros.model.config import FieldConfig, GaussianConfig, MeshDecoderConfig, TrunkConfig
from sam3d_ros.training.data.targets import DistanceVolumes
from sam3d_ros.training.stages.latents import LatentsSettings
from sam3d_ros.training.stages.placed import SurfaceTable
from sam3d_ros.training.stages.tables import ObjectTable

RADII = (0.05, 0.04)  # m, by object number
NODES = 32
POINTS = 3000
DISTANCE = 0.5  # m from the camera to the centre
COLOURS = ((0.9, 0.2, 0.1), (0.1, 0.2, 0.9))  # at x < 0 and x > 0 of the object frame

TRUNK = TrunkConfig(resolution=16, channels=8, width=32, depth=1, heads=1, window=4, mlp_ratio=2.0)
LATENTS = LatentsSettings(
    decoder=MeshDecoderConfig(trunk=TRUNK, widths=(), field=FieldConfig(cells=2, colour_cells=2)),
    gaussians=GaussianConfig(trunk=TRUNK, per_voxel=4),
)


def object_table() -> ObjectTable:
    """Distance grids of the balls."""
    radii = torch.tensor(RADII)
    high = radii[:, None].expand(-1, 3) * 1.2
    axis = torch.linspace(-1, 1, NODES)
    nodes = (
        torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1) * 1.2 * radii[:, None, None, None, None]
    )
    truncation = 0.24 * radii
    distance = (nodes.norm(dim=-1) - radii[:, None, None, None]) / truncation[:, None, None, None]
    values = (127 * distance.clamp(-1, 1)).round().to(torch.int8)
    volumes = DistanceVolumes(values, -high, high, truncation)
    return ObjectTable(volumes, 2 * radii[:, None].expand(-1, 3), torch.zeros(len(RADII), dtype=torch.long))


def surface_table() -> SurfaceTable:
    """Points all over the balls."""
    normals = torch.nn.functional.normalize(torch.randn(POINTS, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    sides = torch.where(normals[:, :1] < 0, *(torch.tensor(colour) for colour in COLOURS))
    return SurfaceTable(
        torch.stack([radius * normals for radius in RADII]),
        (127 * normals).round().to(torch.int8).expand(len(RADII), -1, -1),
        (255 * sides).round().to(torch.uint8).expand(len(RADII), -1, -1),
    )


@dataclass(frozen=True)
class BallShapes:
    """Objects to be placed at random."""

    count: int = 4

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        number = index % len(RADII)
        return {"object": number, "extents": np.full(3, 2 * RADII[number], np.float32)}


@dataclass(frozen=True)
class BallViews:
    """Views of the balls straight ahead, as `StoredViews` gives them."""

    count: int = 2
    side: int = 48  # pixels

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        number = index % len(RADII)
        crop = np.array([3.5 * self.side, 3.5 * self.side, self.side / 2 - 0.5, self.side / 2 - 0.5], np.float32)
        color, depth, mask = _picture(RADII[number], crop, self.side)
        T_cam_obj = np.eye(4, dtype=np.float32)
        T_cam_obj[2, 3] = DISTANCE
        pictures = {"color": color, "depth": depth, "mask": mask}
        return {
            **{f"{kind}_{name}": picture for kind in ("crop", "coarse") for name, picture in pictures.items()},
            "crop": crop, "coarse": crop, "T_cam_obj": T_cam_obj, "object": number,
        }  # fmt: skip


def _picture(radius, camera, side):
    """Colours, depth in millimetres and mask of a ball before a wall."""
    u, v = np.meshgrid(np.arange(side), np.arange(side))
    rays = np.stack([(u - camera[2]) / camera[0], (v - camera[3]) / camera[1], np.ones_like(u, float)], axis=-1)
    square, along = (rays**2).sum(axis=-1), rays[..., 2] * DISTANCE
    root = along**2 - square * (DISTANCE**2 - radius**2)
    hit = root > 0
    z = np.where(hit, (along - np.sqrt(np.maximum(root, 0))) / square, DISTANCE + 2 * radius)
    left = (rays[..., 0] < 0)[..., None]
    color = np.where(hit[..., None], np.where(left, *COLOURS), 0.5)
    return (255 * color).astype(np.uint8), np.rint(1000 * z).astype(np.int32), hit.astype(np.uint8)
