"""Scanned and modelled meshes from a folder with an index.json, turned into objects of the store."""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...geometry import Mesh
from ...geometry.sampling import sample_surface
from ..synthetic.props import Finish
from ..synthetic.surface import Array
from .design import Skin
from .meshing import is_closed
from .objects import DENSE, Dense, ObjectRecord, write_object
from .paint import any_skin

SIZES = (0.03, 0.42)  # m, of the largest extent; others are brought to a size drawn between these bounds
PLAUSIBLE = (0.06, 0.28)


class ScanError(ValueError):
    """A scanned mesh that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One entry of the index."""

    id: str
    path: Path
    category: str
    licence: str
    colored: bool


def find_scans(folder: Path) -> list[Scan]:
    """Entries of the folder's index that say they are watertight, by id; raises FileNotFoundError without an index."""
    records = json.loads((folder / "index.json").read_text())["objects"]
    return [
        Scan(r["id"], folder / r["file"], r["category"], r["licence"], r["colour_source"] != "none")
        for r in sorted(records, key=lambda r: r["id"])
        if r["watertight"]
    ]


def write_scan(path: Path, scan: Scan) -> ObjectRecord:
    """Reads a scanned mesh and writes it as an object; raises ScanError for one that is open or without volume.

    Scans without colour get a material by their name. All scans are for training: the held-out ones are other files.
    """
    data = np.load(scan.path)
    rng = np.random.default_rng(zlib.crc32(scan.id.encode()))
    faces = np.asarray(data["faces"], np.int32)
    vertices = _sized(np.asarray(data["vertices"], np.float32), rng)
    if not is_closed(vertices, faces):
        raise ScanError(f"{scan.id}: the mesh is not closed")
    material: Skin | None = None if scan.colored else any_skin(rng)
    mesh = Mesh(vertices, faces, _vertex_colors(data["vertex_colors"], vertices, material))
    dense = _dense(mesh, data, material)
    a, b, c = (float(size) for size in mesh.extents)
    record = ObjectRecord(path.stem, f"scan_{scan.category}", "scan", "train", (a, b, c), scan.licence)
    finish = material.finish if material else Finish(float(rng.uniform(0.03, 0.5)), float(rng.uniform(10, 80)))
    write_object(path, record, mesh, dense, finish)
    return record


def _sized(vertices: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Centred on its box; furniture and the like shrunk to toys."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    largest = float((high - low).max())
    factor = 1.0 if SIZES[0] <= largest <= SIZES[1] else rng.uniform(*PLAUSIBLE) / largest
    sized: NDArray[np.float32] = ((vertices - (low + high) / 2) * factor).astype(np.float32)
    return sized


def _vertex_colors(
    colors: NDArray[np.uint8], vertices: NDArray[np.float32], material: Skin | None
) -> NDArray[np.uint8]:
    if material is None:
        return np.asarray(colors, np.uint8)
    return np.rint(255 * np.clip(material.albedo(vertices.astype(float)), 0, 1)).astype(np.uint8)


def _dense(mesh: Mesh, data: Any, material: Skin | None) -> Dense:
    """Surface points with the colours of the material, of the texture, or of the vertices."""
    samples = sample_surface(mesh, DENSE, 0)
    if material is not None:
        return Dense(samples.points, samples.normals, np.clip(material.albedo(samples.points), 0, 1))
    if "texture_jpg" not in data:
        return Dense(samples.points, samples.normals, samples.colors / 255)
    uv, fuv = data["uv"].astype(np.float32), np.asarray(data["faces_uv"], np.int32)
    triangles, weights = _draw(mesh, DENSE)
    corners = mesh.vertices.astype(float)[mesh.triangles[triangles]]
    points = np.einsum("nk,nkd->nd", weights, corners)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-18)
    where = np.einsum("nk,nkd->nd", weights, uv[fuv[triangles]].astype(float))
    return Dense(points, normal, _texel(data["texture_jpg"], where))


def _draw(mesh: Mesh, count: int) -> tuple[NDArray[np.int64], Array]:
    """Triangles [N] drawn by area, and corner weights [N, 3]."""
    rng = np.random.default_rng(0)
    corners = mesh.vertices.astype(float)[mesh.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    strata = (np.arange(count) + rng.random(count)) / count * area.sum()
    chosen = np.minimum(np.searchsorted(np.cumsum(area), strata), len(area) - 1)
    root, other = np.sqrt(rng.random(count)), rng.random(count)
    return chosen, np.stack([1 - root, root * (1 - other), root * other], axis=1)


def _texel(jpeg: NDArray[np.uint8], where: Array) -> Array:
    """Colours [N, 3], 0-1, of a texture at coordinates [N, 2] of which the second runs up."""
    texture = np.asarray(Image.open(io.BytesIO(jpeg.tobytes())).convert("RGB"))
    rows = ((1 - where[:, 1]) * texture.shape[0]).astype(int).clip(0, texture.shape[0] - 1)
    columns = (where[:, 0] * texture.shape[1]).astype(int).clip(0, texture.shape[1] - 1)
    colors: Array = texture[rows, columns] / 255.0
    return colors
