"""A small rendered world with known poses, and a backend that knows its meshes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.geometry.render import cast_rays
from sam3d_ros.pipeline import Frame, Quality, Reconstruction

CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
FRAME_NS = 33_000_000
# Object z up in a camera that looks down at it by 35 degrees.
LOOK_DOWN = np.array([[1.0, 0.0, 0.0], [0.0, -np.sin(0.6), -np.cos(0.6)], [0.0, np.cos(0.6), -np.sin(0.6)]])


def rotation_about(axis, angle):
    """Rodrigues' formula, as a slow plain reference."""
    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    K = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K


def step_mesh() -> Mesh:
    """Two boxes that make a step, 12 x 8 x 9 cm: no symmetry, every motion can be seen."""
    low = box_mesh(np.array([0.12, 0.08, 0.04]), color=np.array([200.0, 80, 40]), cells=6)
    high = box_mesh(np.array([0.05, 0.06, 0.05]), color=np.array([40.0, 80, 200]), cells=6)
    vertices = np.concatenate([low.vertices - [0, 0, 0.025], high.vertices + [-0.03, 0.005, 0.02]])
    return Mesh(
        vertices,
        np.concatenate([low.triangles, high.triangles + len(low.vertices)]),
        np.concatenate([low.vertex_colors, high.vertex_colors]),
    )


@dataclass
class World:
    """Objects by label with their true poses; frames of it as a depth camera would see them."""

    meshes: dict[int, Mesh] = field(default_factory=dict)
    T_world_obj: dict[int, SE3] = field(default_factory=dict)
    T_world_cam: SE3 = field(default_factory=SE3.identity)
    noise: float = 0.001  # m
    camera: PinholeCamera = CAMERA

    def add(self, label: int, xyz, *, mesh: Mesh | None = None, yaw: float = 0.0) -> None:
        self.meshes[label] = mesh or step_mesh()
        self.T_world_obj[label] = SE3.from_rotation(LOOK_DOWN @ rotation_about([0, 0, 1], yaw), xyz)

    def move(self, label: int, xyz, *, yaw: float = 0.0) -> None:
        pose = self.T_world_obj[label]
        turned = pose.rotation @ rotation_about([0, 0, 1], yaw)
        self.T_world_obj[label] = SE3.from_rotation(turned, pose.translation_xyz + xyz)

    def T_cam_obj(self, label: int) -> SE3:
        return self.T_world_cam.inverse() @ self.T_world_obj[label]

    def frame(self, stamp_ns: int, *, hidden=(), relabel: Mapping[int, int] | None = None, seed: int = 0) -> Frame:
        shown = [label for label in self.meshes if label not in hidden]
        hits = cast_rays([self.meshes[k] for k in shown], [self.T_cam_obj(k) for k in shown], self.camera)
        numbers = np.array([0] + [(relabel or {}).get(k, k) for k in shown], np.int32)
        depth = np.where(hits.index < 0, 2.0, hits.depth)
        depth = depth + self.noise * np.random.default_rng(seed).standard_normal(depth.shape)
        pointmap = (self.camera.rays() * depth[..., None]).astype(np.float32)
        color = np.full((*depth.shape, 3), 120, np.uint8)
        return Frame(color, pointmap, numbers[hits.index + 1], self.camera, stamp_ns)


class KnowingBackend:
    """Answers each mask with the world's own mesh, at the true pose."""

    name = "knowing"

    def __init__(self, world: World, by_label: Mapping[int, int] | None = None) -> None:
        self.world = world
        self.by_label = dict(by_label or {})
        self.asked: list[int] = []

    def load(self) -> None: ...

    def prepare(self, frame):
        return frame

    def reconstruct(self, prepared, label, *, detail, progress, cancel):
        self.asked.append(label)
        key = self.by_label.get(label, label)
        return Reconstruction(
            label, self.world.meshes[key], self.world.T_cam_obj(key), 0.12, Quality(), np.eye(6) * 1e-6
        )

    def drop_caches(self) -> None: ...

    def unload(self) -> None: ...


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def knowing_backend() -> type[KnowingBackend]:
    return KnowingBackend
