"""A small untrained model whose cube lies along the view, and networks that say the truth in place of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import open3d as o3d
import torch
import trimesh
from small_model import write_plain_weights
from torch import Tensor, nn

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.model.config import (
    SMALL,
    FieldConfig,
    GaussianConfig,
    MeshDecoderConfig,
    ObservedConfig,
    RefinementConfig,
    Sam3dConfig,
    StructureDecoderConfig,
    TrunkConfig,
)
from sam3d_ros.model.decoders import VoxelFields
from sam3d_ros.model.preprocess.cube import ViewCubes
from sam3d_ros.model.refinement import VOXEL_FEATURES
from sam3d_ros.model.sparse import SparseTensor
from sam3d_ros.model.structure import StructureFields
from sam3d_ros.pipeline import Frame
from sam3d_ros.training.stages.layout import layout_latents

VIEW = replace(
    SMALL,
    geometry=replace(
        SMALL.geometry, prediction="clean", layout_mlp_ratio=1.0, step_size=True,
        observed=ObservedConfig(resolution=64, stem_width=8, depth=1),
    ),
    structure_decoder=StructureDecoderConfig(
        widths=(16, 8, 8, 4, 4), res_blocks=1, middle_blocks=1, signed_distance=True
    ),
    frame="view",
)  # fmt: skip
# With a second stage.
REFINING = replace(
    VIEW,
    refinement=RefinementConfig(
        resolution=32,
        width=32,
        condition_width=64,
        depth=1,
        heads=1,
        io_width=16,
        prediction="clean",
        voxel_features=VOXEL_FEATURES,
    ),
    mesh=MeshDecoderConfig(TrunkConfig(resolution=32, width=32, depth=1, heads=1), widths=(), field=FieldConfig()),
    gaussians=GaussianConfig(TrunkConfig(resolution=32, width=32, depth=1, heads=1), per_voxel=8),
)
RESOLUTION = 64  # of the truth
CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
BODY, LID = np.array([0.14, 0.08, 0.1]), np.array([0.05, 0.05, 0.04])  # m, of a pot with a knob


def pot() -> trimesh.Trimesh:
    """A box with a smaller one on top, off its middle: no turn brings it back to itself."""
    lid = trimesh.creation.box(LID, trimesh.transformations.translation_matrix([0.03, 0.01, 0.06]))
    both = trimesh.boolean.union([trimesh.creation.box(BODY), lid], engine="manifold")
    both.apply_translation(-both.bounds.mean(axis=0))
    return both


def pot_frame(camera: PinholeCamera = CAMERA) -> tuple[Frame, SE3]:
    """The pot, label 5, on a table, seen from above; and T_cam_obj."""
    shape, table = pot(), trimesh.creation.box((2.0, 2.0, 0.02))
    T_cam_world = SE3.from_rotation(trimesh.transformations.euler_matrix(np.radians(125), 0, 0)[:3, :3], [0, 0, 0.7])
    turn = trimesh.transformations.rotation_matrix(0.5, [0, 0, 1])[:3, :3]
    T_cam_obj = T_cam_world @ SE3.from_rotation(turn, [0.06, 0.02, shape.extents[2] / 2])
    below = T_cam_world @ SE3.from_rotation(np.eye(3), [0.0, 0.0, -0.01])
    things = [painted(shape, (200, 60, 40)), painted(table, (120, 130, 140))]
    rendering = render(things, [T_cam_obj, below], camera)
    pointmap = (camera.rays() * rendering.depth[..., None]).astype(np.float32)
    labels = np.where(rendering.index == 0, 5, 0).astype(np.int32)
    return Frame(rendering.color, pointmap, labels, camera), T_cam_obj


def distances_to(shape: trimesh.Trimesh, points: np.ndarray) -> np.ndarray:
    """Signed metres from points [N, 3] to the surface, negative inside."""
    solid = o3d.t.geometry.RaycastingScene()
    corners, faces = shape.vertices.astype(np.float32), shape.faces.astype(np.uint32)
    solid.add_triangles(o3d.core.Tensor(corners), o3d.core.Tensor(faces))
    return solid.compute_signed_distance(o3d.core.Tensor(points.astype(np.float32))).numpy()


def painted(shape: trimesh.Trimesh, color: tuple[int, int, int]) -> Mesh:
    """With one colour all over."""
    return Mesh(shape.vertices, shape.faces, np.tile(np.array(color, np.uint8), (len(shape.vertices), 1)))


def write_view_weights(folder: Path, config: Sam3dConfig = VIEW) -> Path:
    """Random weights of the small model."""
    return write_plain_weights(folder, config)


class TrueShape(nn.Module):
    """A structure decoder that says the shape of the pot in a cube, whatever the latent."""

    def __init__(self, shape: trimesh.Trimesh, T_cam_obj: SE3, cubes: ViewCubes, *, crumb: bool = False) -> None:
        super().__init__()
        axis = (torch.arange(RESOLUTION) + 0.5) / RESOLUTION - 0.5
        nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(1, -1, 3)
        p_obj = T_cam_obj.inverse().apply(cubes.to_cam(nodes)[0].numpy().astype(np.float64))
        voxel = float(cubes.edge[0]) / RESOLUTION
        distance = torch.tensor(np.clip(distances_to(shape, p_obj) / (3 * voxel), -1, 1), dtype=torch.float32)
        self.distance = distance.view(1, 1, RESOLUTION, RESOLUTION, RESOLUTION).clone()
        if crumb:
            self.distance[..., 2:4, 2:4, 2:4] = -0.3

    def fields(self, latent: Tensor) -> StructureFields:
        # A power of two: how steep the logits are comes out the same to the last bit whatever else lies in the cube.
        return StructureFields(-8 * self.distance, self.distance)


class TrueCells(nn.Module):
    """A decoder of stage 2 that says the true shape within the voxels that it is asked about, and one colour."""

    def __init__(self, shape: TrueShape, color: tuple[float, float, float]) -> None:
        super().__init__()
        self.cells = shape.distance.view(32, 2, 32, 2, 32, 2)
        self.color = torch.tensor(color)

    def forward(self, slat: SparseTensor) -> VoxelFields:
        x, y, z = slat.coords[:, 1:].long().unbind(dim=1)
        return VoxelFields(self.cells[x, :, y, :, z, :], self.color.expand(len(x), 2, 2, 2, 3))


class TrueLayout(nn.Module):
    """A geometry network whose velocities lead to the true layout, and to nothing in particular of the shape."""

    observed_encoder = None
    d_embedder = None

    def __init__(self, T_cam_obj: SE3, extents: np.ndarray, cubes: ViewCubes) -> None:
        super().__init__()
        T_cube_obj = torch.linalg.inv(cubes.T_cam_cube) @ torch.tensor(T_cam_obj.as_matrix(), dtype=torch.float32)
        latents = layout_latents(T_cube_obj, cubes.edge, torch.tensor(extents, dtype=torch.float32)[None])
        self.clean = {name: latent[:, None] for name, latent in latents.items()}

    def project(self, tokens: Tensor) -> tuple[()]:
        return ()

    def forward(
        self, state: Mapping[str, Tensor], time: Tensor, condition: object, told: Tensor | None, **_: object
    ) -> dict[str, Tensor]:
        rest = 1 - time / 1000
        return {name: (self.clean.get(name, torch.zeros_like(x)) - x) / rest for name, x in state.items()}
