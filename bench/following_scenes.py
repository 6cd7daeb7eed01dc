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
_FIRST_S, _PAUSE_S = 0.5, 0.5  # before the first object is hidden, and between two of them
_BOARD_AT, _BOARD_SPARE = 0.6, 1.2  # where the board is held, of the way to the object, and how much wider it is
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True, slots=True, eq=False)
class Instant:
    """One frame and what is true of it; the k-th pose is that of label k + 1 of the true labels."""

    frame: Frame
    T_world_cam: SE3
    T_world_obj: tuple[SE3, ...]
    names: dict[int, int]  # from the labels of the frame to the numbers of the objects
    behind_board: int | None  # number of the object that is hidden


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

    def play(self, frames: int, *, shuffled: bool, hidden_s: float = 0.0, flaws: Flaws = ORDINARY) -> Iterator[Instant]:
        """The frames; with `shuffled` the labels of a frame have nothing to do with those of the one before.

        With `hidden_s` a board without a label is held before one object after the other for so many seconds, before
        the one that is pushed when it is pushed most quickly.
        """
        for number in range(frames):
            rng = np.random.default_rng([self.seed, 2, number])
            T_cam_world = self._hand(number / RATE, rng) @ self.T_cam_world
            T_world_obj = tuple(self.pose(k, number / RATE) for k in range(len(self.objects)))
            hidden = self.behind_board(number / RATE, hidden_s)
            yield self._instant(number, T_cam_world, T_world_obj, flaws, shuffled, hidden, rng)

    def behind_board(self, seconds: float, hidden_s: float) -> int | None:
        """Number of the object that is hidden then; the one that is pushed comes first."""
        turn, since = divmod(seconds - _FIRST_S, hidden_s + _PAUSE_S)
        order = [self.moving, *(k for k in range(len(self.objects)) if k != self.moving)]
        return order[int(turn)] if 0 <= turn < len(order) and since < hidden_s else None

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
        hidden: int | None,
        rng: Generator,
    ) -> Instant:
        seen = self._seen(T_cam_world, T_world_obj, hidden)
        luminance = (srgb_to_linear(seen.color) @ _LUMINANCE).astype(np.float32)
        cosine = _cosine(seen, self.camera)
        depth = measure_depth(seen.depth, cosine, luminance, focal=self.camera.fx, flaws=flaws, rng=rng)
        count = len(self.objects)
        labels = rng.permutation(200)[:count] + 1 if shuffled else np.arange(count) + 1
        truth = np.where(seen.index > count, 0, np.maximum(seen.index, 0)).astype(np.int32)
        drawn = draw_masks(truth, seen.depth, flaws, rng)
        named = np.concatenate([[0], labels]).astype(np.int32)[drawn]
        pointmap = (self.camera.rays() * depth[..., None]).astype(np.float32)
        frame = Frame(seen.color, pointmap, named, self.camera, int(number * 1e9 / RATE))
        names = {int(label): k for k, label in enumerate(labels)}
        return Instant(frame, T_cam_world.inverse(), T_world_obj, names, hidden)

    def _seen(self, T_cam_world: SE3, T_world_obj: tuple[SE3, ...], hidden: int | None) -> Rendering:
        meshes = [_table(), *(item.mesh for item in self.objects)]
        poses = [T_cam_world, *(T_cam_world @ pose for pose in T_world_obj)]
        if hidden is not None:
            meshes.append(_board(self.objects[hidden].mesh))
            poses.append(_before(poses[1 + hidden].apply(self.objects[hidden].mesh.box_centre)))
        return render(meshes, poses, self.camera)


def _cosine(seen: Rendering, camera: PinholeCamera) -> NDArray[np.float32]:
    rays = camera.rays() / np.linalg.norm(camera.rays(), axis=-1, keepdims=True)
    cosine: NDArray[np.float32] = np.abs(np.einsum("hwc,hwc->hw", np.nan_to_num(seen.normal), rays)).astype(np.float32)
    return cosine


def _loneliest(poses: Sequence[SE3]) -> int:
    places = np.array([pose.translation_xyz[:2] for pose in poses])
    distances = np.linalg.norm(places[:, None] - places, axis=-1) + 9 * np.eye(len(places))
    return int(distances.min(axis=1).argmax())


def _table() -> Mesh:
    return _slab(_TABLE, -0.03, 0.0, grey=140)


def _board(hidden: Mesh) -> Mesh:
    """A square that hides the mesh from where the board is held, facing along z."""
    return _slab(_BOARD_AT * _BOARD_SPARE * float(np.linalg.norm(hidden.extents)) / 2, -0.005, 0.005, grey=90)


def _before(p_cam: NDArray[np.float64]) -> SE3:
    """Pose of the board before a point, across the line of sight."""
    z = p_cam / np.linalg.norm(p_cam)
    x = np.cross([0.0, 1.0, 0.0], z)
    x /= np.linalg.norm(x)
    return SE3.from_rotation(np.stack([x, np.cross(z, x), z], axis=1), _BOARD_AT * p_cam)


def _slab(half: float, low: float, high: float, *, grey: int) -> Mesh:
    corners = np.array([[x, y, z] for x in (-half, half) for y in (-half, half) for z in (low, high)])
    vertices, triangles = convex_hull(corners)
    return Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.full((8, 3), grey, np.uint8))
