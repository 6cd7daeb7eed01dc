"""The pictures of a report: painted, written as files, and described for the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...geometry import Mesh
from ...geometry.mesh_io import content_hash
from ...tracking import SceneObject
from ..frames.results import FrameRecord
from ..scores.surface_distance import distance_to_surface
from .pictures.colours import color_depth, color_error, depth_range
from .pictures.overlay import Tag, masks_over, meshes_over, outlines_over, tags
from .pictures.surface import Surface, make_surface
from .pictures.turntable import Framing, Turntable, seen_azimuth, turntable_strip

_FOLDER = "pictures"
_QUALITY = 86
LARGEST_ERROR_MM = 20.0  # right end of the error ramp


@dataclass(frozen=True, slots=True)
class FramePictures:
    """Files of one frame, relative to the page."""

    color: str
    depth: str
    masks: str
    meshes: str
    tags: tuple[Tag, ...]
    near_m: float
    far_m: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ObjectPictures:
    """Turntables of one object, relative to the page; truth and error are empty where the truth is not known."""

    result: str
    truth: str
    error: str
    views: int


class PictureFolder:
    """Paints pictures and writes them beside a page."""

    def __init__(self, output: Path, *, turntable_views: int = 6, view_size: int = 220) -> None:
        self._folder = output / _FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._views, self._size = turntable_views, view_size
        self._surfaces: dict[str, Surface] = {}

    def frame(self, record: FrameRecord) -> FramePictures:
        """Input, depth, masks and the meshes projected back into the image."""
        frame, name = record.frame, record.name
        depth = frame.pointmap[..., 2]
        near, far = depth_range(depth)
        seen = record.seen_objects()
        surfaces = [self._surface(item.mesh) for item in seen]
        meshes = meshes_over(frame.color, surfaces, [record.T_cam_obj(item) for item in seen], frame.camera)
        return FramePictures(
            color=self._save(f"{name}_color", frame.color),
            depth=self._save(f"{name}_depth", color_depth(depth, near, far)),
            masks=self._save(f"{name}_masks", masks_over(frame.color, frame.labels)),
            meshes=self._save(f"{name}_meshes", outlines_over(meshes, frame.labels)),
            tags=tuple(tags(frame.labels)),
            near_m=near,
            far_m=far,
            width=frame.camera.width,
            height=frame.camera.height,
        )

    def object(self, record: FrameRecord, item: SceneObject) -> ObjectPictures:
        """The object from all sides, the first view from where the camera stood; beside it the truth."""
        surface, T_cam_obj = self._surface(item.mesh), record.T_cam_obj(item)
        table = Turntable(views=self._views, size=self._size, first_azimuth=seen_azimuth(T_cam_obj))
        stem = f"{record.name}_object_{item.label:03d}"
        truth = next((truth for truth in record.truth if truth.label == item.label), None)
        if truth is None:
            return ObjectPictures(self._save(stem, turntable_strip(surface, table)), "", "", self._views)
        true_surface = make_surface(truth.mesh.transformed(T_cam_obj.inverse() @ truth.T_cam_obj))
        framing = Framing.around([surface, true_surface])
        distance = distance_to_surface(surface.mesh.vertices, true_surface.mesh)
        wrong = surface.recolored(color_error(1e3 * distance, LARGEST_ERROR_MM))
        return ObjectPictures(
            result=self._save(stem, turntable_strip(surface, table, framing)),
            truth=self._save(f"{stem}_truth", turntable_strip(true_surface, table, framing)),
            error=self._save(f"{stem}_error", turntable_strip(wrong, table, framing)),
            views=self._views,
        )

    def _surface(self, mesh: Mesh) -> Surface:
        """The surface of a mesh; the same mesh is prepared once for all frames that show it."""
        key = content_hash(mesh)
        if key not in self._surfaces:
            self._surfaces[key] = make_surface(mesh)
        return self._surfaces[key]

    def _save(self, stem: str, pixels: NDArray[np.uint8]) -> str:
        name = f"{_file_name(stem)}.webp"
        Image.fromarray(pixels).save(self._folder / name, quality=_QUALITY, method=4)
        return f"{_FOLDER}/{name}"


def _file_name(stem: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in stem)
