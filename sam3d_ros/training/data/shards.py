"""Views on disk: files of 256 samples, pictures compressed one by one, numbers as plain arrays."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .arranging import SceneKind
from .sensing import jpeg
from .views import View

PER_SHARD = 256
LOCAL_NAME = 26  # bytes of a zip file's local header before the lengths of name and extra field
PICTURES = ("color", "depth_mm", "masks", "coarse_color", "coarse_depth_mm", "coarse_mask")
NUMBERS = ("crop", "coarse", "T_cam_obj", "up_cam", "object_id", "visible", "kind", "seed", "jpeg")


def write_shard(path: Path, views: Sequence[View]) -> None:
    """Writes the file, complete or not at all."""
    arrays: dict[str, Any] = {name: np.array([getattr(view, name) for view in views]) for name in NUMBERS}
    for name in PICTURES:
        coded = [_coded(name, view) for view in views]
        arrays[name] = np.frombuffer(b"".join(coded), np.uint8)
        arrays[f"{name}_end"] = np.cumsum([len(one) for one in coded])
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)


@dataclass(frozen=True)
class Shard:
    """An open file of views."""

    path: Path

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        return mapped_arrays(self.path)

    def __len__(self) -> int:
        return len(self._arrays["seed"])

    def column(self, name: str) -> NDArray[Any]:
        """One of NUMBERS for all samples."""
        return self._arrays[name]

    def __getitem__(self, index: int) -> View:
        numbers: dict[str, Any] = {name: self._arrays[name][index] for name in NUMBERS}
        numbers |= {"object_id": str(numbers["object_id"]), "visible": float(numbers["visible"])}
        numbers |= {"kind": SceneKind(int(numbers["kind"])), "seed": int(numbers["seed"]), "jpeg": int(numbers["jpeg"])}
        pictures: dict[str, Any] = {name: self._picture(name, index) for name in PICTURES}
        return View(**pictures, **numbers)

    def _picture(self, name: str, index: int) -> NDArray[Any]:
        end = self._arrays[f"{name}_end"]
        coded = self._arrays[name][(end[index - 1] if index else 0) : end[index]]
        picture = np.array(Image.open(io.BytesIO(coded.tobytes())))
        return picture.astype(np.uint16) if "depth" in name else picture


def _coded(name: str, view: View) -> bytes:
    picture = getattr(view, name)
    if "color" in name:
        return jpeg(picture, view.jpeg)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def mapped_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an uncompressed npz file, left on disk until they are used; processes share what is read."""
    arrays = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        for member in archive.infolist():
            with archive.open(member) as file:
                np.lib.format.read_magic(file)
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
                header = file.tell()
            raw.seek(member.header_offset + LOCAL_NAME)
            name, extra = struct.unpack("<HH", raw.read(4))
            start = member.header_offset + LOCAL_NAME + 4 + name + extra + header
            empty = not int(np.prod(shape))
            found = np.zeros(shape, dtype) if empty else np.memmap(path, dtype, "r", start, shape)
            arrays[member.filename.removesuffix(".npy")] = found
    return arrays
