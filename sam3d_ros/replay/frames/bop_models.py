"""The models of a BOP dataset: meshes in millimetres and the symmetries of `models_info.json`, made metres."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...geometry import SE3, Mesh
from ...geometry.mesh_io import MeshFileError, read_mesh
from ..truth.symmetries import read_symmetries
from .image_files import FrameFolderError
from .json_files import read_json

MILLIMETRE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class BopModel:
    """One object of a dataset in its object frame, metres."""

    name: str
    mesh: Mesh
    symmetries: tuple[SE3, ...]


def find_models(scene: Path) -> Path:
    """The folder `models` in a scene folder or in one of the two above it, where a dataset has it."""
    places = [folder / "models" for folder in (scene.absolute(), *scene.absolute().parents[:2])]
    for place in places:
        if place.is_dir():
            return place
    raise FrameFolderError(f"{scene}: no folder models here or up to two above ({places[-1]}); give --bop-models DIR")


@lru_cache(maxsize=64)
def load_model(models: Path, number: int) -> BopModel:
    """The model `obj_<number>.ply`; raises FrameFolderError where it or its entry is missing or broken."""
    name = f"obj_{number:06d}"
    try:
        mesh = read_mesh(models / f"{name}.ply")
    except (OSError, MeshFileError) as error:
        raise FrameFolderError(f"{models}: model {name}.ply cannot be read ({error})") from error
    metres = Mesh(mesh.vertices * np.float32(MILLIMETRE), mesh.triangles, mesh.vertex_colors)
    return BopModel(name, metres, _symmetries(models / "models_info.json", number))


def _symmetries(path: Path, number: int) -> tuple[SE3, ...]:
    info = read_json(path)
    entry = info.get(str(number)) if isinstance(info, dict) else None
    where = f"{path}: object {number}"
    if not isinstance(entry, dict):
        raise FrameFolderError(f"{where}: no entry; every model needs one, if only with its diameter")
    return read_symmetries(where, entry, MILLIMETRE).discretised()
