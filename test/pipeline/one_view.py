"""One object on a table, seen from one side: analytic shapes with their true surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.pipeline import Frame

CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)


@dataclass(frozen=True)
class View:
    """A frame with one object, label 1, and its true surface in the camera frame."""

    frame: Frame
    truth: np.ndarray  # [N, 3]
    up_cam: np.ndarray  # [3]


def camera_pose(elevation_deg: float = 40.0, distance: float = 0.6) -> SE3:
    """T_cam_world of a camera that looks at the origin of a table z = 0."""
    e = np.radians(elevation_deg)
    eye = distance * np.array([0.0, -np.cos(e), np.sin(e)])
    z = -eye / distance
    x = np.array([1.0, 0.0, 0.0])
    rotation = np.stack([x, np.cross(z, x), z])
    return SE3.from_rotation(rotation, -rotation @ eye)


def as_mesh(shape: trimesh.Trimesh, color=(200, 60, 40)) -> Mesh:
    return Mesh(
        np.asarray(shape.vertices, np.float32),
        np.asarray(shape.faces, np.int32),
        np.tile(np.array(color, np.uint8), (len(shape.vertices), 1)),
    )


def view_of(shape: trimesh.Trimesh, *, noise: float = 0.001, table: bool = True, elevation_deg: float = 40.0) -> View:
    """The shape, which stands on z = 0, seen with Gaussian depth noise."""
    T = camera_pose(elevation_deg)
    ground = trimesh.creation.box((1.6, 1.6, 0.02), trimesh.transformations.translation_matrix([0, 0, -0.01]))
    meshes = [as_mesh(shape), *([as_mesh(ground, (120, 120, 120))] if table else [])]
    rendering = render(meshes, [T] * len(meshes), CAMERA)
    rng = np.random.default_rng(0)
    depth = rendering.depth + rng.normal(scale=noise, size=rendering.depth.shape).astype(np.float32)
    labels = (rendering.index == 0).astype(np.int32)
    frame = Frame(rendering.color, (CAMERA.rays() * depth[..., None]).astype(np.float32), labels, CAMERA)
    return View(frame, T.apply(sample_surface(meshes[0], 6000, 0).points), T.rotation[:, 2])


def box(extents=(0.08, 0.06, 0.11), yaw=0.6) -> trimesh.Trimesh:
    shape = trimesh.creation.box(extents)
    shape.apply_transform(trimesh.transformations.rotation_matrix(yaw, [0, 0, 1]))
    shape.apply_translation([0, 0, extents[2] / 2])
    return shape


def cylinder() -> trimesh.Trimesh:
    shape = trimesh.creation.cylinder(radius=0.04, height=0.12, sections=48)
    shape.apply_translation([0, 0, 0.06])
    return shape


def ball() -> trimesh.Trimesh:
    shape = trimesh.creation.icosphere(subdivisions=4, radius=0.045)
    shape.apply_translation([0, 0, 0.045])
    return shape


def bowl() -> trimesh.Trimesh:
    """Walls 4 mm thick, 7 cm high, 14 cm wide at the rim."""
    outside = np.array([[0.0, 0.0], [0.035, 0.0], [0.055, 0.025], [0.07, 0.07]])
    inside = np.array([[0.066, 0.07], [0.051, 0.027], [0.033, 0.004], [0.0, 0.004]])
    return trimesh.creation.revolve(np.concatenate([outside, inside]), sections=64)
