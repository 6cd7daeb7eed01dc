"""Binary glTF 2.0 (GLB): the bytes of a mesh with vertex colours, and back.

The file is y up, as glTF demands; the mesh in memory is in the z-up object frame. Vertex colours are stored linear, as
glTF demands of COLOR_0, with 16 bits so that no sRGB value is lost. Layout: Khronos glTF 2.0 specification, chapter 4.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .conventions import glb_from_object, linear_from_srgb, object_from_glb, srgb_from_linear
from .mesh import Mesh
from .transforms import quat_wxyz_to_rotation

_MAGIC, _JSON_CHUNK, _BIN_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_TRIANGLES_MODE = 4


class GlbError(ValueError):
    """Bytes that are no GLB, or that use what this reader does not know."""


def encode_glb(mesh: Mesh) -> bytes:
    """The bytes of a GLB file of one mesh, y up, vertex colours linear."""
    if not len(mesh.triangles):
        raise GlbError("a GLB cannot hold a mesh without triangles")
    linear = np.rint(linear_from_srgb(mesh.vertex_colors) * 65535).astype("<u2")
    rgba = np.concatenate([linear, np.full((len(linear), 1), 65535, "<u2")], axis=1)
    arrays = {
        "POSITION": glb_from_object(mesh.vertices).astype("<f4"),
        "COLOR_0": rgba,
        "indices": mesh.triangles.reshape(-1).astype("<u4"),
    }
    document = _document(arrays)
    chunk_json = _padded(json.dumps(document, separators=(",", ":")).encode(), b" ")
    chunk_binary = b"".join(_padded(array.tobytes(), b"\0") for array in arrays.values())
    length = 12 + 8 + len(chunk_json) + 8 + len(chunk_binary)
    parts = [struct.pack("<III", _MAGIC, 2, length), struct.pack("<II", len(chunk_json), _JSON_CHUNK), chunk_json]
    return b"".join([*parts, struct.pack("<II", len(chunk_binary), _BIN_CHUNK), chunk_binary])


def decode_glb(data: bytes) -> Mesh:
    """The mesh of a GLB file in the z-up object frame; all its triangles, with the transforms of their nodes.

    Colours are COLOR_0 times the base colour of the material, white where neither is given. Raises GlbError for
    anything but plain triangles, and for materials with a texture: vertex colours cannot hold those.
    """
    document, binary = _chunks(data)
    parts = [
        _primitive(document, binary, primitive, matrix)
        for node_mesh, matrix in _placed_meshes(document)
        for primitive in document["meshes"][node_mesh]["primitives"]
    ]
    if not parts:
        raise GlbError("the GLB file holds no mesh")
    offsets = np.cumsum([0] + [len(part.vertices) for part in parts])
    triangles = [part.triangles + offset for part, offset in zip(parts, offsets[:-1], strict=True)]
    vertices = np.concatenate([part.vertices for part in parts])
    return Mesh(vertices, np.concatenate(triangles), np.concatenate([part.vertex_colors for part in parts]))


def _padded(data: bytes, filler: bytes) -> bytes:
    return data + filler * (-len(data) % 4)


def _document(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    views, accessors, offset = [], [], 0
    for index, (name, array) in enumerate(arrays.items()):
        target = _ELEMENT_ARRAY_BUFFER if name == "indices" else _ARRAY_BUFFER
        views.append({"buffer": 0, "byteOffset": offset, "byteLength": array.nbytes, "target": target})
        accessors.append(_accessor(index, name, array))
        offset += array.nbytes + -array.nbytes % 4
    attributes = {"POSITION": 0, "COLOR_0": 1}
    material = {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9}}
    return {
        "asset": {"version": "2.0", "generator": "sam3d_ros"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 2, "material": 0}]}],
        "materials": [material],
        "buffers": [{"byteLength": offset}],
        "bufferViews": views,
        "accessors": accessors,
    }


def _accessor(view: int, name: str, array: NDArray[Any]) -> dict[str, Any]:
    kind = "SCALAR" if array.ndim == 1 else f"VEC{array.shape[1]}"
    code = _CODES[array.dtype.str]
    accessor: dict[str, Any] = {"bufferView": view, "componentType": code, "count": len(array), "type": kind}
    if name == "COLOR_0":
        accessor["normalized"] = True
    if name == "POSITION":
        accessor["min"], accessor["max"] = array.min(axis=0).tolist(), array.max(axis=0).tolist()
    return accessor


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    if len(data) < 20 or struct.unpack_from("<II", data) != (_MAGIC, 2):
        raise GlbError("not a GLB file of version 2 (its first bytes are not 'glTF', 2)")
    json_length = struct.unpack_from("<I", data, 12)[0]
    document = json.loads(data[20 : 20 + json_length])
    binary_start = 20 + json_length + 8
    return document, data[binary_start:]


def _placed_meshes(document: dict[str, Any]) -> Iterator[tuple[int, NDArray[np.float64]]]:
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


def _primitive(document: dict[str, Any], binary: bytes, primitive: dict[str, Any], matrix: NDArray[np.float64]) -> Mesh:
    if primitive.get("mode", _TRIANGLES_MODE) != _TRIANGLES_MODE:
        raise GlbError(f"the GLB file has a primitive of mode {primitive['mode']}; only triangles (4) can be read")
    attributes = primitive["attributes"]
    positions = _read_accessor(document, binary, attributes["POSITION"])
    placed: NDArray[np.float64] = positions @ matrix[:3, :3].T + matrix[:3, 3]
    triangles = _triangles(document, binary, primitive, len(positions))
    if np.linalg.det(matrix[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    linear = _base_colour(document, primitive) * np.ones((len(positions), 1))
    if "COLOR_0" in attributes:
        linear = linear * _read_accessor(document, binary, attributes["COLOR_0"])[:, :3]
    vertices = object_from_glb(placed).astype(np.float32)
    return Mesh(vertices, triangles, srgb_from_linear(linear))


def _triangles(document: dict[str, Any], binary: bytes, primitive: dict[str, Any], count: int) -> NDArray[np.int32]:
    corners: NDArray[Any] = np.arange(count)
    if "indices" in primitive:
        corners = _read_accessor(document, binary, primitive["indices"])
    return corners.reshape(-1, 3).astype(np.int32)


def _base_colour(document: dict[str, Any], primitive: dict[str, Any]) -> NDArray[np.float64]:
    if "material" not in primitive:
        return np.ones(3)
    surface = document["materials"][primitive["material"]].get("pbrMetallicRoughness", {})
    if "baseColorTexture" in surface:
        raise GlbError("the GLB file has a texture; bake it into vertex colours first")
    return np.array(surface.get("baseColorFactor", (1, 1, 1, 1))[:3], np.float64)


def _read_accessor(document: dict[str, Any], binary: bytes, index: int) -> NDArray[np.float64]:
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
