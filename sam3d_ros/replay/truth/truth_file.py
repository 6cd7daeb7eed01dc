"""The truth file of a bag: which objects there are, their meshes, and what places each of them.

A list like the `objects.json` of a frame folder: `mesh`, optionally `name`, `category` and `id` (the label in the
masks; without it the object is found where it is). Where an object is, at every image, says one of three keys:

    T_cam_obj     4x4: in the camera optical frame, for a camera and objects that do not move
    frame         a frame on TF that the object hangs on, with T_frame_obj (4x4, identity where it is left out)
    detection     the id of the object in a vision_msgs/Detection3DArray of the bag, with T_frame_obj likewise
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...geometry import SE3, Mesh, TransformError
from ...geometry.mesh_io import MeshFileError, read_mesh, write_mesh
from ..bags.bag import BagError
from ..frames.image_files import FrameFolderError
from ..frames.json_files import read_json
from .symmetries import Symmetries, read_symmetries

_PLACES = ("T_cam_obj", "frame", "detection")


@dataclass(frozen=True, slots=True, eq=False)
class KnownObject:
    """One entry of a truth file; exactly one of `T_cam_obj`, `frame` and `detection` is there."""

    name: str
    mesh: Mesh
    label: int | None = None  # in the masks; None: found by where it is
    category: str = ""
    T_cam_obj: SE3 | None = None
    frame: str = ""
    detection: str = ""
    T_frame_obj: SE3 = field(default_factory=SE3.identity)
    symmetries: Symmetries = field(default_factory=Symmetries)


def truth_file_of(bag: Path) -> Path:
    """Where the truth of a bag is looked for first: `scene.objects.json` beside `scene.mcap`, or in its folder."""
    return bag / "objects.json" if bag.is_dir() else bag.with_suffix(".objects.json")


def find_truth_file(bag: Path) -> Path | None:
    """That file, or an `objects.json` beside a bag file, for all bags of its folder; None where there is none."""
    places = [truth_file_of(bag), *([] if bag.is_dir() else [bag.with_name("objects.json")])]
    return next((place for place in places if place.is_file()), None)


def read_truth_file(path: Path) -> tuple[KnownObject, ...]:
    """The entries of a truth file; raises BagError that names file, entry and remedy."""
    try:
        entries = read_json(path)
    except FrameFolderError as error:
        raise BagError(str(error)) from error
    if not isinstance(entries, list) or not entries:
        raise BagError(f"{path}: expected a list of objects, got {entries!r:.60}")
    known = tuple(_known(path, position, entry) for position, entry in enumerate(entries))
    for key, values in (("id", [item.label for item in known]), ("name", [item.name for item in known])):
        given = Counter(str(value) for value in values if value is not None)
        doubled = next((value for value, count in given.items() if count > 1), None)
        if doubled is not None:
            raise BagError(f"{path}: {key} {doubled} occurs more than once; each object needs its own")
    return known


def write_truth_file(path: Path, known: Sequence[KnownObject]) -> None:
    """Write `scene.objects.json`, with one PLY for each object in `scene.objects/` beside it."""
    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for item in known:
        mesh = folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', item.name)}.ply"
        write_mesh(mesh, item.mesh)
        entries.append(_entry(item, mesh.relative_to(path.parent)))
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


def _entry(item: KnownObject, mesh: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {} if item.label is None else {"id": item.label}
    entry |= {"name": item.name, "mesh": mesh.as_posix()}
    entry |= {"category": item.category} if item.category else {}
    entry |= item.symmetries.entry()
    if item.T_cam_obj is not None:
        return entry | {"T_cam_obj": item.T_cam_obj.as_matrix().tolist()}
    place = {"frame": item.frame} if item.frame else {"detection": item.detection}
    return entry | place | {"T_frame_obj": item.T_frame_obj.as_matrix().tolist()}


def _known(path: Path, position: int, entry: Any) -> KnownObject:
    where = f"{path}: object {position}"
    if not isinstance(entry, dict):
        raise BagError(f"{where}: expected mesh and one of {', '.join(_PLACES)}, got {entry!r:.60}")
    label, mesh_name = entry.get("id"), entry.get("mesh")
    if label is not None and (isinstance(label, bool) or not isinstance(label, int) or label < 1):
        raise BagError(f"{where}: id must be a whole number from 1 as in the masks, or be left out; got {label!r}")
    if not isinstance(mesh_name, str):
        raise BagError(f"{where}: mesh must name a file, got {mesh_name!r}")
    given = [key for key in _PLACES if key in entry]
    if len(given) != 1:
        raise BagError(f"{where}: needs exactly one of {', '.join(_PLACES)}, got {', '.join(given) or 'none'}")
    try:
        mesh, symmetries = read_mesh(path.parent / mesh_name), read_symmetries(where, entry, unit_m=1.0)
    except FrameFolderError as error:
        raise BagError(str(error)) from error
    except (OSError, MeshFileError) as error:
        raise BagError(f"{where}: mesh {mesh_name!r} cannot be read ({error})") from error
    return KnownObject(
        label=label,
        name=str(entry.get("name", Path(mesh_name).stem)),
        category=str(entry.get("category", "")),
        mesh=mesh,
        T_cam_obj=_matrix(where, entry, "T_cam_obj"),
        frame=_text(where, entry, "frame"),
        detection=_text(where, entry, "detection"),
        T_frame_obj=_matrix(where, entry, "T_frame_obj") or SE3.identity(),
        symmetries=symmetries,
    )


def _matrix(where: str, entry: dict[str, Any], key: str) -> SE3 | None:
    if key not in entry:
        return None
    try:
        return SE3.from_matrix(np.asarray(entry[key], np.float64))
    except (TransformError, ValueError, TypeError) as error:
        raise BagError(f"{where}: {key} is no rigid 4x4 row-major transform ({error})") from error


def _text(where: str, entry: dict[str, Any], key: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str) or (key in entry and not value):
        raise BagError(f"{where}: {key} must be a name, got {value!r}")
    return value
