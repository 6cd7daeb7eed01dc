"""Frame folders: one RGB-D frame with masks, intrinsics and, where known, the truth, as plain files.

    color.png or color.jpg   8-bit sRGB
    depth.png                16-bit millimetres, registered to the colour image; 0 = no reading
    mask.png                 label image, 8 or 16 bit; 0 = background (may be absent: see `load_frame`)
    intrinsics.json          width, height, fx, fy, cx, cy in pixels of the colour image, no distortion
    objects.json             optional truth: a list of id, name, mesh file, T_cam_obj (4x4 row-major, metres)

Other files in the folder are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...geometry import SE3, PinholeCamera, TransformError
from ...geometry.mesh_io import MeshFileError, read_mesh, write_mesh
from ...geometry.pointmap import depth_to_pointmap
from ...pipeline import Frame
from ..truth.symmetries import read_symmetries
from ..truth.truth_object import TruthObject
from .image_files import FrameFolderError, read_color, read_depth_mm, read_labels, write_labels
from .json_files import read_json

__all__ = [
    "FrameFolderError",
    "check_frame",
    "frame_files",
    "has_mask",
    "is_frame_folder",
    "load_frame",
    "load_truth",
    "save_frame",
]

TRUTH_NAME = "objects.json"
COLOR_NAMES = ("color.png", "color.jpg")
# Depth of another resolution must show the same view; one pixel of rounding is let through.
_ASPECT_TOLERANCE = 0.01


def is_frame_folder(folder: Path) -> bool:
    """Whether a folder looks like a frame: it has a colour image, a depth image or intrinsics."""
    return any((folder / name).is_file() for name in (*COLOR_NAMES, "depth.png", "intrinsics.json"))


def has_mask(folder: Path) -> bool:
    """Whether the frame brings its own label image."""
    return (folder / "mask.png").is_file()


def load_frame(folder: Path) -> Frame:
    """Read a frame; without `mask.png` the labels are found on the support plane (`segment_tabletop`).

    Raises FrameFolderError for what is missing, of another kind or of another size.
    """
    color, camera, pointmap, labels = _read_parts(folder)
    if labels is None:
        # Clustering brings Open3D; only frames without masks pay for it.
        from ...segmentation.tabletop import TabletopConfig, segment_tabletop

        labels = segment_tabletop(color, pointmap, TabletopConfig())
    return Frame(color, pointmap, labels, camera)


def check_frame(folder: Path) -> None:
    """Raise FrameFolderError where `load_frame` or `load_truth` would."""
    _read_parts(folder)
    load_truth(folder)


def frame_files(folder: Path) -> list[Path]:
    """The files that `load_frame` and `load_truth` read."""
    own = [folder / name for name in (*COLOR_NAMES, "depth.png", "mask.png", "intrinsics.json", TRUTH_NAME)]
    return [path for path in own if path.is_file()] + mesh_files(folder / TRUTH_NAME)


def mesh_files(truth: Path) -> list[Path]:
    """The mesh files that an `objects.json` names; none where it is absent."""
    entries = read_json(truth) if truth.is_file() else []
    names = [entry.get("mesh") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return [truth.parent / name for name in names if isinstance(name, str)]


def load_truth(folder: Path) -> tuple[TruthObject, ...]:
    """The objects of `objects.json`, by label; empty where the file is absent."""
    path = folder / TRUTH_NAME
    if not path.is_file():
        return ()
    entries = read_json(path)
    if not isinstance(entries, list):
        raise FrameFolderError(f"{path}: expected a list of objects, got {type(entries).__name__}")
    truth = [_truth_object(path, position, entry) for position, entry in enumerate(entries)]
    labels = [item.label for item in truth]
    doubled = sorted({label for label in labels if labels.count(label) > 1})
    if doubled:
        raise FrameFolderError(f"{path}: id {doubled[0]} occurs more than once; ids pair with labels of mask.png")
    return tuple(sorted(truth, key=lambda item: item.label))


def save_frame(folder: Path, frame: Frame, truth: Sequence[TruthObject] = ()) -> None:
    """Write a frame and its truth; depth is rounded to whole millimetres, beyond 65.535 m it counts as no reading."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(frame.color).save(folder / "color.png")
    Image.fromarray(_depth_mm(frame.pointmap)).save(folder / "depth.png")
    write_labels(folder / "mask.png", frame.labels)
    camera = frame.camera
    names = ("width", "height", "fx", "fy", "cx", "cy")
    _write_json(folder / "intrinsics.json", {name: getattr(camera, name) for name in names})
    if truth:
        _write_json(folder / "objects.json", [_save_truth(folder, item) for item in truth])


def _read_parts(
    folder: Path,
) -> tuple[NDArray[np.uint8], PinholeCamera, NDArray[np.float32], NDArray[np.int32] | None]:
    color = read_color(_color_path(folder))
    camera = _read_camera(folder / "intrinsics.json", color)
    pointmap = _read_pointmap(folder / "depth.png", camera)
    return color, camera, pointmap, _read_mask(folder, camera)


def _color_path(folder: Path) -> Path:
    if not folder.is_dir():
        raise FrameFolderError(f"{folder}: no such folder")
    for name in COLOR_NAMES:
        if (folder / name).is_file():
            return folder / name
    raise FrameFolderError(f"{folder}: neither {' nor '.join(COLOR_NAMES)}; a frame folder needs one of them")


def _read_camera(path: Path, color: NDArray[np.uint8]) -> PinholeCamera:
    data = read_json(path)
    if not isinstance(data, dict):
        raise FrameFolderError(f"{path}: expected an object with width, height, fx, fy, cx, cy")
    width, height = (_number(path, data, key) for key in ("width", "height"))
    if (height, width) != color.shape[:2]:
        raise FrameFolderError(
            f"{path}: says {width:g}x{height:g} but the colour image is {color.shape[1]}x{color.shape[0]}; "
            "give the intrinsics of the image as it is stored"
        )
    try:
        return PinholeCamera(int(width), int(height), *(_number(path, data, key) for key in ("fx", "fy", "cx", "cy")))
    except ValueError as error:
        raise FrameFolderError(f"{path}: {error}") from error


def _number(path: Path, data: dict[str, Any], key: str) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FrameFolderError(f"{path}: {key} must be a number, got {value!r}")
    return float(value)


def _read_pointmap(path: Path, camera: PinholeCamera) -> NDArray[np.float32]:
    depth_mm = read_depth_mm(path)
    height, width = depth_mm.shape
    depth_camera = camera.scaled_to(width, height)
    if abs(depth_camera.fx / camera.fx / (depth_camera.fy / camera.fy) - 1) > _ASPECT_TOLERANCE:
        raise FrameFolderError(
            f"{path}: {width}x{height} is another view than the {camera.width}x{camera.height} colour image; "
            "register the depth to the colour camera first"
        )
    return depth_to_pointmap(depth_mm, camera, depth_camera=depth_camera)


def _read_mask(folder: Path, camera: PinholeCamera) -> NDArray[np.int32] | None:
    path = folder / "mask.png"
    lossy = [name for name in ("mask.jpg", "mask.jpeg") if (folder / name).is_file()]
    if lossy and not path.is_file():
        raise FrameFolderError(f"{folder / lossy[0]}: JPEG changes labels; store the mask as mask.png")
    if not path.is_file():
        return None
    labels = read_labels(path)
    if labels.shape != (camera.height, camera.width):
        raise FrameFolderError(
            f"{path}: {labels.shape[1]}x{labels.shape[0]} but the colour image is {camera.width}x{camera.height}; "
            "a mask says which colour pixels are whose, so resize it (nearest) to the colour image"
        )
    return labels


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _truth_object(path: Path, position: int, entry: Any) -> TruthObject:
    where = f"{path}: object {position}"
    if not isinstance(entry, dict):
        raise FrameFolderError(f"{where}: expected id, mesh and T_cam_obj, got {entry!r}")
    label, mesh_name = entry.get("id"), entry.get("mesh")
    if isinstance(label, bool) or not isinstance(label, int) or label < 1:
        raise FrameFolderError(f"{where}: id must be a whole number from 1 as in mask.png, got {label!r}")
    if not isinstance(mesh_name, str):
        raise FrameFolderError(f"{where}: mesh must name a file, got {mesh_name!r}")
    name = str(entry.get("name", Path(mesh_name).stem))
    T_cam_obj = _pose(where, entry.get("T_cam_obj"))
    try:
        mesh = read_mesh(path.parent / mesh_name)
    except (OSError, MeshFileError) as error:
        raise FrameFolderError(f"{where}: mesh {mesh_name!r} cannot be read ({error})") from error
    symmetries = read_symmetries(where, entry, unit_m=1.0).discretised()
    return TruthObject(label, name, mesh, T_cam_obj, str(entry.get("category", "")), symmetries)


def _pose(where: str, matrix: Any) -> SE3:
    try:
        return SE3.from_matrix(np.asarray(matrix, np.float64))
    except (TransformError, ValueError, TypeError) as error:
        raise FrameFolderError(f"{where}: T_cam_obj is no rigid 4x4 row-major transform ({error})") from error


def _depth_mm(pointmap: NDArray[np.float32]) -> NDArray[np.uint16]:
    depth_mm = np.rint(np.nan_to_num(pointmap[..., 2].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0) * 1000.0)
    return np.where((depth_mm > 0) & (depth_mm <= 65535), depth_mm, 0).astype(np.uint16)


def _save_truth(folder: Path, item: TruthObject) -> dict[str, Any]:
    mesh_name = f"meshes/truth_{item.label:03d}.ply"
    (folder / "meshes").mkdir(exist_ok=True)
    write_mesh(folder / mesh_name, item.mesh)
    matrix = item.T_cam_obj.as_matrix().tolist()
    entry: dict[str, Any] = {"id": item.label, "name": item.name, "mesh": mesh_name, "T_cam_obj": matrix}
    return entry | ({"category": item.category} if item.category else {})
