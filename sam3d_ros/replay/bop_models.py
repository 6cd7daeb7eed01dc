"""The models of a BOP dataset: meshes in millimetres and the symmetries of `models_info.json`, made metres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..geometry import SE3, Mesh, TransformError
from ..geometry.mesh_io import MeshFileError, read_mesh
from ..geometry.symmetries import SymmetryAxis, discretised_symmetries
from .image_files import FrameFolderError
from .json_files import numbers_of, read_json

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
    try:
        turns = [_turn(where, value) for value in _list(where, entry, "symmetries_discrete")]
        axes = [_axis(where, value) for value in _list(where, entry, "symmetries_continuous")]
    except TransformError as error:
        raise FrameFolderError(f"{where}: not a symmetry ({error})") from error
    return discretised_symmetries(turns, axes)


def _list(where: str, entry: dict[str, Any], key: str) -> Iterator[Any]:
    values = entry.get(key, [])
    if not isinstance(values, list):
        raise FrameFolderError(f"{where}: {key} must be a list, got {values!r}")
    yield from values


def _turn(where: str, value: Any) -> SE3:
    """A 4x4 matrix, row by row, with its translation in millimetres."""
    matrix = numbers_of(where, {"symmetries_discrete": value}, "symmetries_discrete", 16).reshape(4, 4)
    matrix[:3, 3] *= MILLIMETRE
    return SE3.from_matrix(matrix)


def _axis(where: str, value: Any) -> SymmetryAxis:
    where = f"{where}: symmetries_continuous"
    return SymmetryAxis(numbers_of(where, value, "axis", 3), MILLIMETRE * numbers_of(where, value, "offset", 3))
