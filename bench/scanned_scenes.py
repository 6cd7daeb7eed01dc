"""Tabletop scenes of scanned objects, seen through a model of a depth camera, for the benchmarks.

Two to five objects stand on a table in stable poses, some before others, and are seen from 0.55 to 0.95 m.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import trimesh
from depth_camera import ORDINARY, Flaws, draw_masks, measure_depth
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scene_picture import ScenePicture, take_scene_picture
from scipy.spatial import ConvexHull

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import cast_rays
from sam3d_ros.geometry.textured_mesh import TexturedMesh
from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.truth.truth_object import TruthObject

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SIZE = (640, 480)
DISTANCE = (0.55, 0.95)  # m, from the camera to the middle of the table
ELEVATION = (25.0, 65.0)  # degrees above the table
COUNT = (2, 5)
_SPREAD = 0.16  # m, how far from the middle objects stand
_GAP = 0.003  # m, between the outlines of two objects on the table
_TRIES = 60
# Below these nobody would ask for an object: of its whole outline, and in pixels.
_LEAST_SHARE, _LEAST_PIXELS = 0.3, 100
Outline = NDArray[np.float64]  # [N, 2] m, convex, counter-clockwise


@dataclass(frozen=True, slots=True, eq=False)
class ScannedObject:
    """A mesh of the folder of scans; metres, with its texture."""

    name: str
    category: str
    textured: TexturedMesh

    @property
    def mesh(self) -> Mesh:
        return self.textured.mesh


@dataclass(frozen=True, slots=True, eq=False)
class BenchScene:
    """A frame, its true label image, and what is true of the objects that are asked for."""

    name: str
    frame: Frame
    true_labels: NDArray[np.int32]  # [H, W]
    truth: tuple[TruthObject, ...]
    unasked: tuple[Mesh, ...]  # what else stands there, hardly seen, camera optical frame
    T_cam_world: SE3  # of the table z = 0

    @property
    def hardly_seen(self) -> int:
        """How many objects stand there and are not asked for."""
        return len(self.unasked)

    @property
    def true_frame(self) -> Frame:
        """The frame with the true masks in place of the drawn ones."""
        return Frame(self.frame.color, self.frame.pointmap, self.true_labels, self.frame.camera)


def load_objects(folder: Path) -> list[ScannedObject]:
    """The scanned objects by name; raises FileNotFoundError where the folder has no index.json."""
    records = json.loads((folder / "index.json").read_text())["objects"]
    return [_load(folder / r["file"], r["id"], r["category"]) for r in sorted(records, key=lambda r: r["id"])]


def benchmark_objects(data: Path) -> list[ScannedObject]:
    """The scans in `objects_val` of a data folder that no training saw; ends the program where they are absent."""
    folder = data / "objects_val"
    if not folder.is_dir():
        raise SystemExit(f"no scanned objects in {folder}; name the folder that holds it with --data")
    return load_objects(folder)


def scene_name(seed: int) -> str:
    """What the scene of a seed is called."""
    return f"scene_{seed}"


def make_scene(objects: Sequence[ScannedObject], seed: int, flaws: Flaws = ORDINARY) -> BenchScene:
    """The scene of that seed; with other flaws the same objects stand at the same places, seen by the same camera."""
    rng = np.random.default_rng(seed)
    camera = draw_camera(rng)
    T_cam_world = camera_pose(rng)
    chosen, poses = arrange(objects, T_cam_world, camera, rng)
    picture = take_scene_picture([item.textured for item in chosen], poses, T_cam_world, camera, rng)
    labels = _askable(picture, [item.mesh for item in chosen], poses, camera)
    sensor = np.random.default_rng([seed, 1])
    depth = measure_depth(picture.depth, picture.cosine, picture.luminance, focal=camera.fx, flaws=flaws, rng=sensor)
    pointmap = (camera.rays() * depth[..., None]).astype(np.float32)
    frame = Frame(picture.color, pointmap, draw_masks(labels, picture.depth, flaws, sensor), camera)
    asked = [k for k in np.unique(labels).tolist() if k]
    truth = tuple(
        TruthObject(k, chosen[k - 1].name, chosen[k - 1].mesh, poses[k - 1], chosen[k - 1].category) for k in asked
    )
    rest = [k for k in range(len(chosen)) if k + 1 not in asked]
    unasked = tuple(chosen[k].mesh.transformed(poses[k]) for k in rest)
    return BenchScene(scene_name(seed), frame, labels, truth, unasked, T_cam_world)


def _load(path: Path, name: str, category: str) -> ScannedObject:
    data = np.load(path)
    mesh = Mesh(data["vertices"], data["faces"], data["vertex_colors"])
    uv = data["uv"].astype(np.float32)
    uv[:, 1] = 1 - uv[:, 1]  # the scans' second coordinate runs up
    texture = np.asarray(Image.open(io.BytesIO(data["texture_jpg"].tobytes())).convert("RGB"))
    return ScannedObject(name, category, TexturedMesh(mesh, uv, data["faces_uv"], texture))


def draw_camera(rng: Generator) -> PinholeCamera:
    focal = float(rng.uniform(540, 640))
    centre = rng.uniform(-6, 6, 2) + [SIZE[0] / 2 - 0.5, SIZE[1] / 2 - 0.5]
    return PinholeCamera(*SIZE, focal, focal, float(centre[0]), float(centre[1]))


def camera_pose(rng: Generator) -> SE3:
    """T_cam_world of a camera that looks at the middle of the table z = 0."""
    elevation, azimuth, distance = (
        np.radians(rng.uniform(*ELEVATION)),
        rng.uniform(0, 2 * np.pi),
        rng.uniform(*DISTANCE),
    )
    eye = distance * np.array(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    )
    z = -eye / np.linalg.norm(eye)
    x = np.cross(z, [0, 0, 1])
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(z, x), z])
    return SE3.from_rotation(rotation, -rotation @ eye)


def arrange(
    objects: Sequence[ScannedObject], T_cam_world: SE3, camera: PinholeCamera, rng: Generator
) -> tuple[list[ScannedObject], list[SE3]]:
    """Objects and their poses T_cam_obj, apart from each other and inside the image."""
    wanted = int(rng.integers(COUNT[0], COUNT[1] + 1))
    chosen: list[ScannedObject] = []
    poses: list[SE3] = []
    taken: list[Outline] = []
    while len(chosen) < wanted:
        item = objects[rng.integers(len(objects))]
        pose = _place(item, taken, T_cam_world, camera, rng)
        if pose is not None:
            chosen.append(item)
            poses.append(pose)
    return chosen, poses


def _place(
    item: ScannedObject, taken: list[Outline], T_cam_world: SE3, camera: PinholeCamera, rng: Generator
) -> SE3 | None:
    """T_cam_obj at a free place, or None after many tries; `taken` holds what stands already, seen from above."""
    rotation = _resting_rotation(item, rng)
    vertices = item.mesh.vertices.astype(np.float64) @ rotation.T
    outline = vertices[ConvexHull(vertices[:, :2]).vertices, :2]
    for _ in range(_TRIES):
        xy = rng.uniform(-_SPREAD, _SPREAD, 2)
        if not all(_apart(outline + xy, other) for other in taken):
            continue
        T_cam_obj = T_cam_world @ SE3.from_rotation(rotation, [*xy, -vertices[:, 2].min()])
        if _inside(camera.project(T_cam_obj.apply(item.mesh.vertices)), camera):
            taken.append(outline + xy)
            return T_cam_obj
    return None


def _apart(first: Outline, second: Outline) -> bool:
    """Whether a line separates two convex outlines [N, 2], with a gap; such a line runs along a side of one of them."""
    for a, b in ((first, second), (second, first)):
        sides = np.roll(a, -1, axis=0) - a
        outward = np.stack([sides[:, 1], -sides[:, 0]], axis=1) / np.linalg.norm(sides, axis=1, keepdims=True)
        if (((b @ outward.T).min(axis=0) - (a * outward).sum(axis=1)) > _GAP).any():
            return True
    return False


def _inside(pixels: NDArray[np.float64], camera: PinholeCamera) -> bool:
    """Whether all pixels lie in the image, a little away from its border."""
    limits = np.array([camera.width, camera.height]) - 4
    return bool(np.isfinite(pixels).all() and (pixels > 3).all() and (pixels < limits).all())


def _resting_rotation(item: ScannedObject, rng: Generator) -> NDArray[np.float64]:
    """Rotation that puts the mesh on one of its likely resting faces, with a random yaw."""
    rotations, probabilities = _resting_faces(item)
    chosen = rotations[rng.choice(len(rotations), p=probabilities)]
    yaw = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(yaw), np.sin(yaw)
    turned: NDArray[np.float64] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ chosen
    return turned


@lru_cache(maxsize=256)
def _resting_faces(item: ScannedObject) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hull = trimesh.Trimesh(item.mesh.vertices, item.mesh.triangles).convex_hull
    if len(hull.faces) > 300:
        hull = hull.simplify_quadric_decimation(face_count=300).convex_hull
    transforms, probabilities = trimesh.poses.compute_stable_poses(hull, n_samples=1, sigma=0.0)
    return transforms[:, :3, :3], probabilities / probabilities.sum()


def _askable(
    picture: ScenePicture, meshes: Sequence[Mesh], poses: Sequence[SE3], camera: PinholeCamera
) -> NDArray[np.int32]:
    """True label image [H, W] of the objects of which enough is seen."""
    labels = np.maximum(picture.index, 0).astype(np.int32)
    for number, (mesh, T_cam_obj) in enumerate(zip(meshes, poses, strict=True), start=1):
        alone = int((cast_rays([mesh], [T_cam_obj], camera).index == 0).sum())
        seen = int((labels == number).sum())
        if seen < max(_LEAST_PIXELS, _LEAST_SHARE * alone):
            labels[labels == number] = 0
    return labels
