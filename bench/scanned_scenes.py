"""Tabletop scenes of scanned objects, seen through a model of a depth camera, for the benchmarks.

Objects stand on a plane in stable poses and are seen from 0.55 to 0.95 m: noise that grows with distance, mixed pixels
at depth jumps, holes at grazing angles, masks with ragged borders that spill over to the background.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy import ndimage

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import Rendering, render
from sam3d_ros.pipeline import Frame
from sam3d_ros.pipeline.finish import convex_hull

CAMERA = PinholeCamera(640, 480, 600.0, 600.0, 319.5, 239.5)


@dataclass(frozen=True, slots=True, eq=False)
class BenchScene:
    """A frame and its truth, by label."""

    name: str
    frame: Frame
    names: dict[int, str]
    meshes: dict[int, Mesh]
    poses: dict[int, SE3]  # T_cam_obj


def load_objects(folder: Path) -> list[tuple[str, Mesh]]:
    """The scanned objects, by name."""
    objects = []
    for record in json.loads((folder / "index.json").read_text())["objects"]:
        data = np.load(folder / record["file"])
        objects.append((record["id"], Mesh(data["vertices"], data["faces"], data["vertex_colors"])))
    return objects


def stable_rotation(mesh: Mesh, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rotation that puts the mesh on one of its likely resting faces, with a random yaw."""
    hull = trimesh.Trimesh(mesh.vertices, mesh.triangles).convex_hull
    if len(hull.faces) > 300:
        hull = hull.simplify_quadric_decimation(face_count=300).convex_hull
    transforms, probabilities = trimesh.poses.compute_stable_poses(hull, n_samples=1, sigma=0.0)
    chosen = transforms[rng.choice(len(transforms), p=probabilities / probabilities.sum())]
    yaw = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ chosen[:3, :3]


def make_scene(objects: list[tuple[str, Mesh]], seed: int) -> BenchScene:
    """Two to five objects on the plane z = 0, seen by a camera at 25 to 60 degrees above it."""
    rng = np.random.default_rng(seed)
    T_cam_world = _camera_pose(rng)
    names: dict[int, str] = {}
    meshes: dict[int, Mesh] = {}
    poses: dict[int, SE3] = {}
    boxes: list[NDArray[np.float64]] = []
    for label in range(1, rng.integers(2, 6) + 1):
        name, mesh = objects[rng.integers(len(objects))]
        T_world_obj = _place(mesh, boxes, rng)
        if T_world_obj is None:
            continue
        names[label], meshes[label], poses[label] = name, mesh, T_cam_world @ T_world_obj
    seen = _render(meshes, poses, T_cam_world)
    labels = np.array([0, *names], np.int32)[np.maximum(seen.index, 0)]
    frame = _sense(seen, labels, rng)
    return BenchScene(f"scene_{seed}", frame, names, meshes, poses)


def _camera_pose(rng: np.random.Generator) -> SE3:
    elevation, azimuth, distance = np.radians(rng.uniform(25, 60)), rng.uniform(0, 2 * np.pi), rng.uniform(0.55, 0.95)
    eye = distance * np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    )
    z = -eye / np.linalg.norm(eye)
    x = np.cross(z, [0, 0, 1])
    x /= np.linalg.norm(x)
    return SE3.from_rotation(np.stack([x, np.cross(z, x), z]), -np.stack([x, np.cross(z, x), z]) @ eye)


def _place(mesh: Mesh, boxes: list[NDArray[np.float64]], rng: np.random.Generator) -> SE3 | None:
    """A free place near the middle, or None after many tries; `boxes` holds x, y, radius of what stands already."""
    rotation = stable_rotation(mesh, rng)
    vertices = mesh.vertices @ rotation.T
    radius = np.linalg.norm(vertices[:, :2], axis=1).max()
    for _ in range(200):
        xy = rng.uniform(-0.2, 0.2, 2)
        if all(np.linalg.norm(xy - b[:2]) > 0.85 * (radius + b[2]) for b in boxes):
            boxes.append(np.array([*xy, radius]))
            return SE3.from_rotation(rotation, [*xy, -vertices[:, 2].min()])
    return None


def _render(meshes: dict[int, Mesh], poses: dict[int, SE3], T_cam_world: SE3) -> Rendering:
    """The scene on a grey table; index 0 is the table, k the k-th object."""
    x, z = 1.5, -0.02
    corners = np.array([[i, j, k] for i in (-x, x) for j in (-x, x) for k in (z, 0.0)])
    vertices, triangles = convex_hull(corners)
    table = Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.full((len(vertices), 3), 140, np.uint8))
    return render(
        [table, *meshes.values()], [T_cam_world, *poses.values()], CAMERA, shading="headlight", background=(60, 60, 60)
    )


def _sense(seen: Rendering, labels: NDArray[np.int32], rng: np.random.Generator) -> Frame:
    """What a depth camera and a segmentation network make of the scene."""
    depth, normals = seen.depth, seen.normal
    h, w = depth.shape
    v, u = np.mgrid[:h, :w]
    wave = [ndimage.gaussian_filter(rng.normal(size=(h, w)), 1.0) for _ in range(2)]
    jitter = [np.rint(0.7 * k / k.std()).astype(int) for k in wave]
    moved = depth[(v + jitter[0]).clip(0, h - 1), (u + jitter[1]).clip(0, w - 1)]
    blurred = ndimage.uniform_filter(np.nan_to_num(moved, nan=2.0), 3)
    spread = ndimage.maximum_filter(moved, 3) - ndimage.minimum_filter(moved, 3)
    mixed = (spread > 0.02) & (rng.uniform(size=(h, w)) < 0.6)
    moved = np.where(mixed, blurred, moved)
    noise = ndimage.gaussian_filter(rng.normal(size=(h, w)), 0.8)
    moved = moved + (0.0012 + 0.0019 * (moved - 0.4) ** 2) * noise / noise.std()
    facing = np.abs((normals * CAMERA.rays()).sum(-1)) / np.linalg.norm(CAMERA.rays(), axis=-1)
    holes = (facing < 0.12) | ((spread > 0.05) & (rng.uniform(size=(h, w)) < 0.3))
    moved[holes | (rng.uniform(size=(h, w)) < 0.005)] = np.nan
    rounded = np.round(moved * 1000) / 1000
    pointmap = (CAMERA.rays() * rounded[..., None]).astype(np.float32)
    return Frame(seen.color, pointmap, _ragged(labels, rng), CAMERA)


def _ragged(index: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int32]:
    """Masks whose border wanders by up to three pixels, mostly outwards."""
    h, w = index.shape
    v, u = np.mgrid[:h, :w]
    grown = ndimage.grey_dilation(index, size=(3, 3))
    grown = np.where(index > 0, index, grown)
    wave = [ndimage.gaussian_filter(rng.normal(size=(h, w)), 3.0) for _ in range(2)]
    shift = [np.rint(1.2 * k / k.std()).astype(int) for k in wave]
    ragged: NDArray[np.int32] = grown[(v + shift[0]).clip(0, h - 1), (u + shift[1]).clip(0, w - 1)]
    return ragged
