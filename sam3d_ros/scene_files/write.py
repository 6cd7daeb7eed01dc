"""The folder of a scene."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..geometry.mesh_io import write_atomically, write_obj
from ..replay.frames.results import replaced_folder
from .body import SceneBody, SceneError
from .build import Scene
from .mesh_names import MESH_FOLDER, part_names, visual_name
from .mjcf import encode_mjcf
from .options import SceneOptions
from .planner_files import write_planner_files
from .urdf import encode_object_urdf, encode_scene_urdf

FORMATS = ("urdf", "mjcf", "planners")
_MARK = "scene.json"


@dataclass(frozen=True, slots=True)
class FileOptions:
    """What the files look like: the URDF's joints and what stands before its mesh names, points of the cloud."""

    urdf_joint: str = "floating"
    mesh_prefix: str = ""
    points: int = 20000


def check_scene_folder(folder: Path) -> None:
    """Raise SceneError where writing a scene would overwrite anything but an earlier scene."""
    if folder.exists() and not folder.is_dir():
        raise SceneError(f"{folder}: is a file; choose another output folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise SceneError(f"{folder}: holds other things than an earlier scene; choose another output folder")


def write_scene(
    folder: Path, scene: Scene, options: SceneOptions, *, formats: Sequence[str], files: FileOptions
) -> None:
    """Write the scene in each of the `formats`, all or nothing; an earlier scene in the folder is replaced."""
    check_scene_folder(folder)
    with replaced_folder(folder) as partial:
        if {"urdf", "mjcf"} & set(formats):
            _write_meshes(partial / MESH_FOLDER, scene.bodies)
        if "urdf" in formats:
            _write_urdf(partial, scene, files)
        if "mjcf" in formats:
            write_atomically(partial / "scene.xml", encode_mjcf(scene))
        if "planners" in formats:
            write_planner_files(partial / "planners", scene.bodies, points=files.points)
        text = json.dumps(scene_record(scene, options), indent=1, allow_nan=False) + "\n"
        (partial / _MARK).write_text(text, encoding="utf-8")


def scene_record(scene: Scene, options: SceneOptions) -> dict[str, Any]:
    """What `scene.json` says: the world, and where each body is; 4x4 row-major, metres, kilograms."""
    return {
        "T_world_cam": scene.T_world_cam.as_matrix().tolist(),
        "collision": options.form.value,
        "density": options.density,
        "table": {"lower_xy": scene.table_lower_xy.tolist(), "upper_xy": scene.table_upper_xy.tolist()},
        "objects": [_entry(body) for body in scene.bodies],
        "overlaps": [asdict(contact) for contact in scene.contacts],
    }


def _entry(body: SceneBody) -> dict[str, Any]:
    return {
        "id": body.object_id,
        "name": body.name,
        "T_cam_obj": body.T_cam_obj.as_matrix().tolist(),
        "T_world_obj": body.T_world_obj.as_matrix().tolist(),
        "shift_world": body.shift_world.tolist(),
        "mass": body.inertial.mass,
        "centre_of_mass": body.inertial.centre_obj.tolist(),
        "inertia": body.inertial.inertia_obj.tolist(),
        "collision_parts": len(body.parts),
    }


def _write_meshes(folder: Path, bodies: Sequence[SceneBody]) -> None:
    for body in bodies:
        write_obj(folder / visual_name(body), body.mesh)
        for name, part in zip(part_names(body), body.parts, strict=True):
            write_obj(folder / name, part)


def _write_urdf(folder: Path, scene: Scene, files: FileOptions) -> None:
    text = encode_scene_urdf(scene, joint=files.urdf_joint, mesh_prefix=files.mesh_prefix)
    write_atomically(folder / "scene.urdf", text)
    for body in scene.bodies:
        write_atomically(folder / f"{body.name}.urdf", encode_object_urdf(body, mesh_prefix=files.mesh_prefix))
