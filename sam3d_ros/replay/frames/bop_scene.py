"""A scene folder of a BOP dataset as frames with their truth (the BOP-scenewise format of the BOP benchmark).

    scene_camera.json   by image: cam_K (9 numbers, row by row) and depth_scale (depth units to millimetres)
    scene_gt.json       by image: a list of obj_id, cam_R_m2c (9 numbers, row by row), cam_t_m2c (millimetres)
    rgb/ or gray/       <image>.png or .jpg
    depth/              <image>.png, 16 bit, 0 = no reading
    mask_visib/         <image>_<instance>.png: the visible part of the instance at that place in scene_gt.json

Numbers of images and instances have six digits. The label of an instance is its place in scene_gt.json plus one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...geometry import SE3, PinholeCamera, TransformError
from ...geometry.pointmap import depth_to_pointmap
from ...pipeline import Frame
from ..truth.truth_object import TruthObject
from .bop_models import MILLIMETRE, BopModel, find_models, load_model
from .image_files import FrameFolderError, read_color, read_depth_mm, read_labels
from .json_files import numbers_of, read_json

_COLOR_PLACES = tuple((folder, suffix) for folder in ("rgb", "gray") for suffix in ("png", "jpg"))


@dataclass(frozen=True, slots=True, eq=False)
class BopFrame:
    """One image of a scene."""

    name: str  # unique within the run
    folder: Path  # of the scene
    models: Path
    image: int
    camera_entry: Any  # of scene_camera.json
    truth_entries: tuple[Any, ...]  # of scene_gt.json

    @property
    def has_mask(self) -> bool:
        return True

    def check(self) -> None:
        """Raise FrameFolderError where `load_frame` or `load_truth` would."""
        self.load_frame()
        self.load_truth()

    def load_frame(self) -> Frame:
        """The frame with the visible parts of all instances as its labels."""
        color = read_color(self._color_path())
        camera = self._camera(color)
        return Frame(color, depth_to_pointmap(self._depth(color), camera), self._labels(color), camera)

    def load_truth(self) -> tuple[TruthObject, ...]:
        """The instances of scene_gt.json, by label."""
        return tuple(self._truth(position, entry) for position, entry in enumerate(self.truth_entries))

    def files(self) -> list[Path]:
        """Every file that decides what is loaded, besides the entries of this image."""
        instances = range(len(self.truth_entries))
        images = [self._color_path(), self._depth_path(), *(self._mask_path(position) for position in instances)]
        return [*images, *sorted(self.models.glob("obj_*.ply")), self.models / "models_info.json"]

    def _depth_path(self) -> Path:
        return self.folder / "depth" / f"{self.image:06d}.png"

    def _mask_path(self, position: int) -> Path:
        return self.folder / "mask_visib" / f"{self.image:06d}_{position:06d}.png"

    def _color_path(self) -> Path:
        paths = [self.folder / folder / f"{self.image:06d}.{suffix}" for folder, suffix in _COLOR_PLACES]
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise FrameFolderError(f"{self.folder}: no {paths[0].relative_to(self.folder)}, nor as .jpg, nor in gray/")
        return found

    def _camera(self, color: NDArray[np.uint8]) -> PinholeCamera:
        where = f"{self.folder / 'scene_camera.json'}: image {self.image}"
        K = numbers_of(where, self.camera_entry, "cam_K", 9).reshape(3, 3)
        try:
            return PinholeCamera(color.shape[1], color.shape[0], K[0, 0], K[1, 1], K[0, 2], K[1, 2])
        except ValueError as error:
            raise FrameFolderError(f"{where}: cam_K: {error}") from error

    def _depth(self, color: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Depth [H, W] in metres, 0 = no reading."""
        where = f"{self.folder / 'scene_camera.json'}: image {self.image}"
        (scale,) = numbers_of(where, self.camera_entry, "depth_scale", 1)
        if scale <= 0:
            raise FrameFolderError(f"{where}: depth_scale must be positive, got {scale:g}")
        path = self._depth_path()
        raw = read_depth_mm(path)
        _check_size(path, raw, color)
        metres: NDArray[np.float64] = raw * (MILLIMETRE * scale)
        return metres

    def _labels(self, color: NDArray[np.uint8]) -> NDArray[np.int32]:
        labels = np.zeros(color.shape[:2], np.int32)
        for position in range(len(self.truth_entries)):
            path = self._mask_path(position)
            mask = read_labels(path)
            _check_size(path, mask, color)
            labels[mask > 0] = position + 1
        return labels

    def _truth(self, position: int, entry: Any) -> TruthObject:
        where = f"{self.folder / 'scene_gt.json'}: image {self.image}, instance {position}"
        number = entry.get("obj_id") if isinstance(entry, dict) else None
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise FrameFolderError(f"{where}: obj_id must be a whole number, got {number!r}")
        model: BopModel = load_model(self.models, number)
        return TruthObject(position + 1, model.name, model.mesh, _pose(where, entry), symmetries=model.symmetries)


def find_bop_frames(scene: Path, models: Path | None = None, *, most: int | None = None) -> list[BopFrame]:
    """The images of a scene folder by number; models from `models`, else from the dataset around the scene.

    With `most` no more than so many, at equal steps from the first on.
    """
    cameras = _by_image(scene / "scene_camera.json")
    truth = _by_image(scene / "scene_gt.json")
    if models is not None and not models.is_dir():
        raise FrameFolderError(f"{models}: no such folder of models")
    models = models or find_models(scene)
    step = math.ceil(len(truth) / most) if most else 1
    return [_frame(scene, models, image, cameras, truth) for image in sorted(truth)[::step]]


def _frame(scene: Path, models: Path, image: int, cameras: dict[int, Any], truth: dict[int, Any]) -> BopFrame:
    if image not in cameras:
        raise FrameFolderError(f"{scene / 'scene_camera.json'}: no entry for image {image} of scene_gt.json")
    if not isinstance(truth[image], list):
        raise FrameFolderError(f"{scene / 'scene_gt.json'}: image {image}: expected a list, got {truth[image]!r}")
    name = f"{scene.resolve().name or 'scene'}_{image:06d}"
    return BopFrame(name, scene, models, image, cameras[image], tuple(truth[image]))


def _by_image(path: Path) -> dict[int, Any]:
    data = read_json(path)
    if not isinstance(data, dict) or not data:
        raise FrameFolderError(f"{path}: expected an object with one entry per image number")
    wrong = [key for key in data if not key.isdecimal()]
    if wrong:
        raise FrameFolderError(f"{path}: keys are image numbers, got {wrong[0]!r}")
    return {int(key): value for key, value in data.items()}


def _check_size(path: Path, image: NDArray[np.generic], color: NDArray[np.uint8]) -> None:
    if image.shape != color.shape[:2]:
        height, width = image.shape
        raise FrameFolderError(f"{path}: {width}x{height} but the colour image is {color.shape[1]}x{color.shape[0]}")


def _pose(where: str, entry: Any) -> SE3:
    rotation = numbers_of(where, entry, "cam_R_m2c", 9).reshape(3, 3)
    translation = MILLIMETRE * numbers_of(where, entry, "cam_t_m2c", 3)
    try:
        return SE3.from_rotation(rotation, translation)
    except TransformError as error:
        raise FrameFolderError(f"{where}: cam_R_m2c: {error}") from error
