"""A small model and a frame for it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

sys.path.insert(0, str(Path(__file__).parent))

from small_model import write_block_weights, write_plain_weights

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline import Frame

CAMERA = PinholeCamera(160, 120, 150.0, 150.0, 79.5, 59.5)


@pytest.fixture(scope="session")
def block_weights(tmp_path_factory) -> Path:
    """Weights of a model that answers every mask with a block."""
    return write_block_weights(tmp_path_factory.mktemp("weights") / "block")


@pytest.fixture(scope="session")
def empty_weights(tmp_path_factory) -> Path:
    """Weights of a model that finds no voxel occupied."""
    return write_block_weights(tmp_path_factory.mktemp("weights") / "empty", occupied=False)


@pytest.fixture(scope="session")
def plain_weights(tmp_path_factory) -> Path:
    """Weights of an untrained model that answers anything."""
    return write_plain_weights(tmp_path_factory.mktemp("weights") / "plain")


@pytest.fixture(scope="session")
def two_boxes() -> Frame:
    """Boxes with labels 3 and 7 on a table, 12 cm edge, seen from above."""
    box = trimesh.creation.box((0.12, 0.12, 0.12))
    table = trimesh.creation.box((2.0, 2.0, 0.02), trimesh.transformations.translation_matrix([0, 0, -0.07]))
    T_cam_world = SE3.from_rotation(trimesh.transformations.euler_matrix(np.radians(130), 0, 0)[:3, :3], [0, 0, 0.7])
    poses = [T_cam_world @ SE3(np.array([1.0, 0, 0, 0]), np.array([x, 0.0, 0.0])) for x in (-0.11, 0.11)]
    rendering = render([as_mesh(box), as_mesh(box), as_mesh(table)], [*poses, T_cam_world], CAMERA)
    pointmap = (CAMERA.rays() * rendering.depth[..., None]).astype(np.float32)
    labels = np.select([rendering.index == 0, rendering.index == 1], [3, 7], 0).astype(np.int32)
    return Frame(rendering.color, pointmap, labels, CAMERA)


def as_mesh(shape: trimesh.Trimesh) -> Mesh:
    """With a colour of its own."""
    return Mesh(shape.vertices, shape.faces, np.full((len(shape.vertices), 3), 140))
