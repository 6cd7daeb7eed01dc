"""The container of binary glTF 2.0 (GLB): a JSON document and the bytes that its accessors point to.

Layout: Khronos glTF 2.0 specification, chapter 4. Nothing here knows of frames or colours.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .transforms import quat_wxyz_to_rotation

_MAGIC, _JSON_CHUNK, _BIN_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_TRIANGLES_MODE = 4


class GlbError(ValueError):
    """Bytes that are no GLB, or that use what this reader does not know."""


def single_mesh_document(attributes: Mapping[str, int], *, indices: int, material: dict[str, Any]) -> dict[str, Any]:
    """The document of one mesh with one material; numbers are those of accessors, see `pack_glb`."""
    return {
        "asset": {"version": "2.0", "generator": "sam3d_ros"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": dict(attributes), "indices": indices, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9, **material}}],
    }


def pack_glb(document: dict[str, Any], arrays: Mapping[str, NDArray[Any]], blobs: Sequence[bytes] = ()) -> bytes:
    """The bytes of a GLB file.

    The arrays, named by what they are for, become accessors and buffer views 0, 1, ...; the blobs become the buffer
    views after them. COLOR_0 counts as normalised.
    """
    views, accessors, offset = [], [], 0
    for index, (name, array) in enumerate(arrays.items()):
        target = _ELEMENT_ARRAY_BUFFER if name == "indices" else _ARRAY_BUFFER
        views.append({"buffer": 0, "byteOffset": offset, "byteLength": array.nbytes, "target": target})
        accessors.append(_accessor(index, name, array))
        offset += array.nbytes + -array.nbytes % 4
    for blob in blobs:
        views.append({"buffer": 0, "byteOffset": offset, "byteLength": len(blob)})
        offset += len(blob) + -len(blob) % 4
    binary = b"".join(_padded(data, b"\0") for data in (*(array.tobytes() for array in arrays.values()), *blobs))
    whole = {**document, "buffers": [{"byteLength": offset}], "bufferViews": views, "accessors": accessors}
    return _container(_padded(json.dumps(whole, separators=(",", ":")).encode(), b" "), binary)


def unpack_glb(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Document and binary chunk of the bytes of a GLB file; raises GlbError where they are none."""
    if len(data) < 20 or struct.unpack_from("<II", data) != (_MAGIC, 2):
        raise GlbError("not a GLB file of version 2 (its first bytes are not 'glTF', 2)")
    json_length = struct.unpack_from("<I", data, 12)[0]
    document = json.loads(data[20 : 20 + json_length])
    binary_start = 20 + json_length + 8
    return document, data[binary_start:]


def read_view(document: dict[str, Any], binary: bytes, index: int) -> bytes:
    """The bytes of a buffer view."""
    view = document["bufferViews"][index]
    start = view.get("byteOffset", 0)
    return binary[start : start + view["byteLength"]]


def placed_meshes(document: dict[str, Any]) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Index and world matrix [4, 4] of each mesh in the file's default scene."""
    scene = document["scenes"][document.get("scene", 0)]
    pending, visits = [(index, np.eye(4)) for index in scene.get("nodes", [])], 0
    while pending:
        index, parent = pending.pop()
        visits += 1
        if visits > len(document["nodes"]):
            raise GlbError("the GLB file's nodes are no tree: one of them is its own child, or has two parents")
        node = document["nodes"][index]
        matrix = parent @ _node_matrix(node)
        pending += [(child, matrix) for child in node.get("children", [])]
        if "mesh" in node:
            yield node["mesh"], matrix


def _node_matrix(node: dict[str, Any]) -> NDArray[np.float64]:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape((4, 4), order="F")  # stored column by column
    matrix = np.eye(4)
    x, y, z, w = node.get("rotation", (0, 0, 0, 1))
    matrix[:3, :3] = quat_wxyz_to_rotation((w, x, y, z)) * np.asarray(node.get("scale", (1, 1, 1)), np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def read_triangles(document: dict[str, Any], binary: bytes, primitive: dict[str, Any], count: int) -> NDArray[np.int32]:
    """Corners of a primitive's triangles, [T, 3]; raises GlbError for points and lines."""
    if primitive.get("mode", _TRIANGLES_MODE) != _TRIANGLES_MODE:
        raise GlbError(f"the GLB file has a primitive of mode {primitive['mode']}; only triangles (4) can be read")
    corners: NDArray[Any] = np.arange(count)
    if "indices" in primitive:
        corners = read_accessor(document, binary, primitive["indices"])
    return corners.reshape(-1, 3).astype(np.int32)


def read_accessor(document: dict[str, Any], binary: bytes, index: int) -> NDArray[np.float64]:
    """Values of an accessor, [N] or [N, width], with normalised integers as 0-1; raises GlbError for sparse ones."""
    accessor = document["accessors"][index]
    if "sparse" in accessor or "bufferView" not in accessor:
        raise GlbError("the GLB file has sparse accessors, which this reader does not know")
    view = document["bufferViews"][accessor["bufferView"]]
    dtype = np.dtype(_DTYPES[accessor["componentType"]])
    width, count = _WIDTHS[accessor["type"]], accessor["count"]
    stride = view.get("byteStride", dtype.itemsize * width)
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    raw = np.ndarray((count, width), dtype, binary, start, (stride, dtype.itemsize))
    values: NDArray[np.float64] = raw.astype(np.float64) / (np.iinfo(dtype).max if accessor.get("normalized") else 1)
    return values[:, 0] if accessor["type"] == "SCALAR" else values


def _padded(data: bytes, filler: bytes) -> bytes:
    return data + filler * (-len(data) % 4)


def _container(chunk_json: bytes, chunk_binary: bytes) -> bytes:
    length = 12 + 8 + len(chunk_json) + 8 + len(chunk_binary)
    parts = [struct.pack("<III", _MAGIC, 2, length), struct.pack("<II", len(chunk_json), _JSON_CHUNK), chunk_json]
    return b"".join([*parts, struct.pack("<II", len(chunk_binary), _BIN_CHUNK), chunk_binary])


def _accessor(view: int, name: str, array: NDArray[Any]) -> dict[str, Any]:
    kind = "SCALAR" if array.ndim == 1 else f"VEC{array.shape[1]}"
    code = _CODES[array.dtype.str]
    accessor: dict[str, Any] = {"bufferView": view, "componentType": code, "count": len(array), "type": kind}
    if name == "COLOR_0":
        accessor["normalized"] = True
    if name == "POSITION":
        accessor["min"], accessor["max"] = array.min(axis=0).tolist(), array.max(axis=0).tolist()
    return accessor
