"""Binary glTF 2.0 (GLB): the bytes of a mesh with vertex colours, and back.

The file is y up, as glTF demands; the mesh in memory is in the z-up object frame. Vertex colours are stored linear, as
glTF demands of COLOR_0, with 16 bits so that no sRGB value is lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .conventions import glb_from_object, linear_from_srgb, object_from_glb, srgb_from_linear
from .glb_container import (
    GlbError,
    pack_glb,
    placed_meshes,
    read_accessor,
    read_triangles,
    single_mesh_document,
    unpack_glb,
)
from .mesh import Mesh


def encode_glb(mesh: Mesh, *, double_sided: bool = False) -> bytes:
    """The bytes of a GLB file of one mesh, y up, vertex colours linear; `double_sided` has its inside drawn as well."""
    if not len(mesh.triangles):
        raise GlbError("a GLB cannot hold a mesh without triangles")
    linear = np.rint(linear_from_srgb(mesh.vertex_colors) * 65535).astype("<u2")
    arrays = {
        "POSITION": glb_from_object(mesh.vertices).astype("<f4"),
        "COLOR_0": np.concatenate([linear, np.full((len(linear), 1), 65535, "<u2")], axis=1),
        "indices": mesh.triangles.reshape(-1).astype("<u4"),
    }
    document = single_mesh_document({"POSITION": 0, "COLOR_0": 1}, indices=2, material={})
    if double_sided:
        document["materials"][0]["doubleSided"] = True
    return pack_glb(document, arrays)


def decode_glb(data: bytes) -> Mesh:
    """The mesh of a GLB file in the z-up object frame; all its triangles, with the transforms of their nodes.

    Colours are COLOR_0 times the base colour of the material, white where neither is given. Raises GlbError for
    anything but plain triangles, and for materials with a texture: vertex colours cannot hold those.
    """
    document, binary = unpack_glb(data)
    parts = [
        _primitive(document, binary, primitive, matrix)
        for node_mesh, matrix in placed_meshes(document)
        for primitive in document["meshes"][node_mesh]["primitives"]
    ]
    if not parts:
        raise GlbError("the GLB file holds no mesh")
    offsets = np.cumsum([0] + [len(part.vertices) for part in parts])
    triangles = [part.triangles + offset for part, offset in zip(parts, offsets[:-1], strict=True)]
    vertices = np.concatenate([part.vertices for part in parts])
    return Mesh(vertices, np.concatenate(triangles), np.concatenate([part.vertex_colors for part in parts]))


def _primitive(document: dict[str, Any], binary: bytes, primitive: dict[str, Any], matrix: NDArray[np.float64]) -> Mesh:
    attributes = primitive["attributes"]
    positions = read_accessor(document, binary, attributes["POSITION"])
    placed: NDArray[np.float64] = positions @ matrix[:3, :3].T + matrix[:3, 3]
    triangles = read_triangles(document, binary, primitive, len(positions))
    if np.linalg.det(matrix[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    linear = _base_colour(document, primitive) * np.ones((len(positions), 1))
    if "COLOR_0" in attributes:
        linear = linear * read_accessor(document, binary, attributes["COLOR_0"])[:, :3]
    vertices = object_from_glb(placed).astype(np.float32)
    return Mesh(vertices, triangles, srgb_from_linear(linear))


def _base_colour(document: dict[str, Any], primitive: dict[str, Any]) -> NDArray[np.float64]:
    if "material" not in primitive:
        return np.ones(3)
    surface = document["materials"][primitive["material"]].get("pbrMetallicRoughness", {})
    if "baseColorTexture" in surface:
        raise GlbError("the GLB file has a texture; bake it into vertex colours first")
    return np.array(surface.get("baseColorFactor", (1, 1, 1, 1))[:3], np.float64)
