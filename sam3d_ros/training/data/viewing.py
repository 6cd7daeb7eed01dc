"""Where the camera stands and what part of its picture is kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...geometry import PinholeCamera
from .arranging import Scene
from .poses import Array, apply, inverse, pose

WIDTH, HEIGHT = 640, 480
CROP = 160  # pixels, side of the kept square
COARSE = 8  # pixels of the frame to one of the coarse view


@dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """A camera in the world."""

    camera: PinholeCamera  # of the whole 640x480 frame
    T_world_cam: Array  # [4, 4], optical frame


def draw_stand(scene: Scene, target: Array, rng: Generator) -> Stand:
    """A camera 0.3 to 1.5 m from a point of the world, which lies somewhere in its picture; slightly rolled."""
    f = rng.uniform(430, 720)
    camera = PinholeCamera(
        WIDTH, HEIGHT, f, f * rng.uniform(0.99, 1.01), 319.5 + rng.normal(0, 6), 239.5 + rng.normal(0, 6)
    )
    distance = 0.3 + 1.2 * rng.beta(1.6, 2.6)
    lift, turn = np.radians(rng.uniform(*scene.elevations)), np.radians(rng.uniform(*scene.azimuths))
    eye = target + distance * np.array([np.cos(lift) * np.cos(turn), np.cos(lift) * np.sin(turn), np.sin(lift)])
    eye[2] = max(eye[2], 0.03) if scene.slabs else eye[2]
    z = (target - eye) / np.linalg.norm(target - eye)
    x = np.cross(z, [0, 0, 1.0])
    x /= np.linalg.norm(x)
    level = np.stack([x, np.cross(z, x), z], axis=1)
    yaw, pitch, roll = (
        rng.uniform(-0.55, 0.55) * WIDTH / 2 / f,
        rng.uniform(-0.55, 0.55) * HEIGHT / 2 / f,
        rng.normal(0, 0.12),
    )
    return Stand(camera, pose(level @ _small(pitch, yaw, roll), eye))


def crop_camera(
    stand: Stand, vertices: NDArray[np.float32], T_world_obj: Array, rng: Generator
) -> PinholeCamera | None:
    """Camera of the square around an object, at most at the resolution of the frame; None where too little is inside.

    The square may reach over the border of the frame.
    """
    p_cam = apply(inverse(stand.T_world_cam) @ T_world_obj, vertices)
    if p_cam[:, 2].min() < 0.1:
        return None
    uv = stand.camera.project(p_cam)
    low, high = uv.min(axis=0), uv.max(axis=0)
    inside = np.clip(np.minimum(high, [WIDTH - 1, HEIGHT - 1]) - np.maximum(low, 0), 0, None) / (high - low)
    if inside.min() < 0.75:
        return None
    low, high = np.maximum(low, 0), np.minimum(high, [WIDTH - 1, HEIGHT - 1])
    side = max(float(CROP), np.ceil(1.3 * float((high - low).max())))
    corner = np.floor((low + high) / 2 - side / 2 + rng.uniform(-0.08, 0.08, 2) * side)
    c = stand.camera
    whole = PinholeCamera(int(side), int(side), c.fx, c.fy, c.cx - corner[0], c.cy - corner[1])
    return whole.scaled_to(CROP, CROP)


def coarse_camera(stand: Stand) -> PinholeCamera:
    """Camera of the whole frame in few pixels."""
    return stand.camera.scaled_to(WIDTH // COARSE, HEIGHT // COARSE)


def rays(camera: PinholeCamera) -> NDArray[np.float32]:
    """Directions (x/z, y/z, 1) [H * W, 3]."""
    return camera.rays().astype(np.float32).reshape(-1, 3)


def in_frame(crop: PinholeCamera, stand: Stand) -> NDArray[np.bool_]:
    """Pixels [H, W] of the crop that lie inside the 640x480 frame."""
    directions = crop.rays()
    u = directions[..., 0] * stand.camera.fx + stand.camera.cx
    v = directions[..., 1] * stand.camera.fy + stand.camera.cy
    inside: NDArray[np.bool_] = (u > -0.5) & (u < WIDTH - 0.5) & (v > -0.5) & (v < HEIGHT - 0.5)
    return inside


def _small(pitch: float, yaw: float, roll: float) -> Array:
    """Rotation about the camera's x, y and z."""
    cx, sx, cy, sy, cz, sz = np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_axis = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    turned: Array = about_y @ about_x @ about_axis
    return turned
