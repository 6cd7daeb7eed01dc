"""Scanned objects on a table before a camera in somebody's hand, one of them pushed about, 30 frames a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from depth_camera import ORDINARY, Flaws, draw_masks, measure_depth
from numpy.random import Generator
from numpy.typing import NDArray
from scanned_scenes import ScannedObject, arrange, camera_pose, draw_camera
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import Rendering, render
from sam3d_ros.pipeline import Frame
from sam3d_ros.pipeline.finish import convex_hull
from sam3d_ros.replay.report.pictures.colours import srgb_to_linear

RATE = 30.0  # frames a second
_SWAY_M, _SWAY_DEG = 0.04, 3.0  # how far the hand goes to and fro
_TREMBLE_M, _TREMBLE_DEG = 0.0006, 0.06  # and how much it shakes from frame to frame
_PUSH_M, _PUSH_DEG, _PUSH_S = 0.05, 60.0, 4.0  # how far, by which turn and in what time the object goes to and fro
_TABLE = 1.2  # m, half its width
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True, slots=True, eq=False)
class Instant:
    """One frame and what is true of it; the k-th pose is that of label k + 1 of the true labels."""

    frame: Frame
    T_world_cam: SE3
    T_world_obj: tuple[SE3, ...]
    names: dict[int, int]  # from the labels of the frame to the numbers of the objects


@dataclass(frozen=True, slots=True, eq=False)
class Sequence30:
    """The objects and the path of the camera; frames are made one by one."""

    objects: tuple[ScannedObject, ...]
    resting: tuple[SE3, ...]  # T_world_obj at the start
    moving: int  # number of the object that is pushed
    camera: PinholeCamera
    T_cam_world: SE3  # from which the hand starts
    seed: int

    @staticmethod
    def make(scans: Sequence[ScannedObject], seed: int) -> Sequence30:
        """The arrangement of `make_scene` with that seed; the object farthest from the others is pushed."""
        rng = np.random.default_rng(seed)
        camera, T_cam_world = draw_camera(rng), camera_pose(rng)
        objects, poses = arrange(scans, T_cam_world, camera, rng)
        resting = tuple(T_cam_world.inverse() @ pose for pose in poses)
        return Sequence30(tuple(objects), resting, _loneliest(resting), camera, T_cam_world, seed)

    def play(self, frames: int, *, shuffled: bool, flaws: Flaws = ORDINARY) -> Iterator[Instant]:
        """The frames; with `shuffled` the labels of a frame have nothing to do with those of the one before."""
        for number in range(frames):
            rng = np.random.default_rng([self.seed, 2, number])
            T_cam_world = self._hand(number / RATE, rng) @ self.T_cam_world
            T_world_obj = tuple(self.pose(k, number / RATE) for k in range(len(self.objects)))
            yield self._instant(number, T_cam_world, T_world_obj, flaws, shuffled, rng)

    def _hand(self, seconds: float, rng: Generator) -> SE3:
        """How the camera has moved from its start, camera frame."""
        phases = np.random.default_rng([self.seed, 3]).uniform(0, 2 * np.pi, (2, 3))
        speeds = np.random.default_rng([self.seed, 4]).uniform(1.0, 2.5, (2, 3))  # rad/s
        sway = np.sin(speeds * seconds + phases) - np.sin(phases)
        turn = np.radians(_SWAY_DEG) * sway[0] + np.radians(_TREMBLE_DEG) * rng.standard_normal(3)
        step = _SWAY_M * sway[1] + _TREMBLE_M * rng.standard_normal(3)
        return SE3.from_rotation(Rotation.from_rotvec(turn).as_matrix(), step)

    def pose(self, number: int, seconds: float) -> SE3:
        """T_world_obj of an object after so many seconds."""
        pose = self.resting[number]
        if number != self.moving:
            return pose
        share = 0.5 - 0.5 * np.cos(2 * np.pi * seconds / _PUSH_S)
        away = pose.translation_xyz[:2] - np.mean([p.translation_xyz[:2] for p in self.resting], axis=0)
        away = away / max(float(np.linalg.norm(away)), 1e-6)
        turn = Rotation.from_rotvec([0, 0, np.radians(_PUSH_DEG) * share]).as_matrix()
        moved = pose.translation_xyz + [*(_PUSH_M * share * away), 0.0]
        return SE3.from_rotation(turn @ pose.rotation, moved)

    def _instant(
        self,
        number: int,
        T_cam_world: SE3,
        T_world_obj: tuple[SE3, ...],
        flaws: Flaws,
        shuffled: bool,
        rng: Generator,
    ) -> Instant:
        seen = self._seen(T_cam_world, T_world_obj)
        luminance = (srgb_to_linear(seen.color) @ _LUMINANCE).astype(np.float32)
        cosine = _cosine(seen, self.camera)
        depth = measure_depth(seen.depth, cosine, luminance, focal=self.camera.fx, flaws=flaws, rng=rng)
        count = len(self.objects)
        labels = rng.permutation(200)[:count] + 1 if shuffled else np.arange(count) + 1
        drawn = draw_masks(np.maximum(seen.index, 0).astype(np.int32), seen.depth, flaws, rng)
        named = np.concatenate([[0], labels]).astype(np.int32)[drawn]
        pointmap = (self.camera.rays() * depth[..., None]).astype(np.float32)
        frame = Frame(seen.color, pointmap, named, self.camera, int(number * 1e9 / RATE))
        names = {int(label): k for k, label in enumerate(labels)}
        return Instant(frame, T_cam_world.inverse(), T_world_obj, names)

    def _seen(self, T_cam_world: SE3, T_world_obj: tuple[SE3, ...]) -> Rendering:
        meshes = [_table(), *(item.mesh for item in self.objects)]
        return render(meshes, [T_cam_world, *(T_cam_world @ pose for pose in T_world_obj)], self.camera)


def _cosine(seen: Rendering, camera: PinholeCamera) -> NDArray[np.float32]:
    rays = camera.rays() / np.linalg.norm(camera.rays(), axis=-1, keepdims=True)
    cosine: NDArray[np.float32] = np.abs(np.einsum("hwc,hwc->hw", np.nan_to_num(seen.normal), rays)).astype(np.float32)
    return cosine


def _loneliest(poses: Sequence[SE3]) -> int:
    places = np.array([pose.translation_xyz[:2] for pose in poses])
    distances = np.linalg.norm(places[:, None] - places, axis=-1) + 9 * np.eye(len(places))
    return int(distances.min(axis=1).argmax())


def _table() -> Mesh:
    corners = np.array([[x, y, z] for x in (-_TABLE, _TABLE) for y in (-_TABLE, _TABLE) for z in (-0.03, 0.0)])
    vertices, triangles = convex_hull(corners)
    return Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.full((8, 3), 140, np.uint8))
