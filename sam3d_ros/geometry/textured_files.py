"""Textured meshes to files: GLB with the picture inside (y up), OBJ with MTL and PNG beside it (object frame)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .conventions import glb_from_object, object_from_glb
from .glb_container import (
    GlbError,
    pack_glb,
    placed_meshes,
    read_accessor,
    read_triangles,
    read_view,
    single_mesh_document,
    unpack_glb,
)
from .mesh import Mesh
from .mesh_io import write_atomically
from .textured_mesh import TexturedMesh, texels

_LINEAR, _LINEAR_MIPMAP_LINEAR, _CLAMP_TO_EDGE = 9729, 9987, 33071


def encode_textured_glb(textured: TexturedMesh) -> bytes:
    """The bytes of a GLB file, y up, with the texture as PNG inside; vertices are doubled along the seams."""
    if not len(textured.mesh.triangles):
        raise GlbError("a GLB cannot hold a mesh without triangles")
    pairs, corners = textured.split_at_seams()
    arrays = {
        "POSITION": glb_from_object(textured.mesh.vertices[pairs[:, 0]]).astype("<f4"),
        "TEXCOORD_0": textured.uv[pairs[:, 1]].astype("<f4"),
        "indices": corners.reshape(-1).astype("<u4"),
    }
    material = {"baseColorTexture": {"index": 0}}
    sampler = {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAP_LINEAR}
    document = {
        **single_mesh_document({"POSITION": 0, "TEXCOORD_0": 1}, indices=2, material=material),
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [{**sampler, "wrapS": _CLAMP_TO_EDGE, "wrapT": _CLAMP_TO_EDGE}],
        "images": [{"bufferView": len(arrays), "mimeType": "image/png"}],
    }
    return pack_glb(document, arrays, [_png(textured.texture)])


def decode_textured_glb(data: bytes) -> TexturedMesh:
    """The textured mesh of a GLB file with one primitive, in the z-up object frame.

    Corners at the same place are one vertex again, with the colour of a texel there. Raises GlbError for files with
    more than one primitive, without texture, or with a texture that is not inside.
    """
    document, binary = unpack_glb(data)
    placed = [
        (primitive, matrix)
        for number, matrix in placed_meshes(document)
        for primitive in document["meshes"][number]["primitives"]
    ]
    if len(placed) != 1 or "TEXCOORD_0" not in placed[0][0]["attributes"]:
        raise GlbError(f"one primitive with texture coordinates is expected, the GLB file has {len(placed)}")
    primitive, matrix = placed[0]
    positions = read_accessor(document, binary, primitive["attributes"]["POSITION"])
    uv = read_accessor(document, binary, primitive["attributes"]["TEXCOORD_0"])
    corners = read_triangles(document, binary, primitive, len(positions))
    vertices = object_from_glb(positions @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
    places, first, vertex = np.unique(vertices, axis=0, return_index=True, return_inverse=True)
    texture = _texture(document, binary, primitive)
    mesh = Mesh(places, vertex.reshape(-1)[corners].astype(np.int32), texels(texture, uv[first]))
    return TexturedMesh(mesh, uv.astype(np.float32), corners, texture)


def write_textured_glb(path: Path | str, textured: TexturedMesh) -> list[Path]:
    """Write a GLB file, y up; the paths of what was written."""
    write_atomically(path, encode_textured_glb(textured))
    return [Path(path)]


def write_textured_obj(path: Path | str, textured: TexturedMesh) -> list[Path]:
    """Write an OBJ file in the object frame, and beside it PNG and MTL of the same stem; the paths of all three."""
    path = Path(path)
    picture, material = path.with_suffix(".png"), path.with_suffix(".mtl")
    write_atomically(picture, _png(textured.texture))
    lines = ["newmtl surface", "Ka 1 1 1", "Kd 1 1 1", "Ks 0 0 0", "d 1", "illum 1", f"map_Kd {picture.name}", ""]
    write_atomically(material, "\n".join(lines).encode("utf-8"))
    write_atomically(path, _obj(textured, material.name))  # last: a reader of it finds the others
    return [path, material, picture]


def _obj(textured: TexturedMesh, material: str) -> bytes:
    mesh, uv = textured.mesh, textured.uv.astype(np.float64) * [1, -1] + [0, 1]  # v runs up in OBJ
    corners = np.stack([mesh.triangles, textured.uv_triangles], axis=2) + 1
    head = f"# object frame, z up, metres\nmtllib {material}\nusemtl surface\n"
    vertices = "v %.9g %.9g %.9g\n" * len(mesh.vertices) % tuple(mesh.vertices.reshape(-1).tolist())
    coordinates = "vt %.9g %.9g\n" * len(uv) % tuple(uv.reshape(-1).tolist())
    faces = "f %d/%d %d/%d %d/%d\n" * len(corners) % tuple(corners.reshape(-1).tolist())
    return (head + vertices + coordinates + faces).encode("utf-8")


def _png(texture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(texture).save(buffer, "PNG")
    return buffer.getvalue()


def _texture(document: dict[str, Any], binary: bytes, primitive: dict[str, Any]) -> NDArray[np.uint8]:
    surface = (
        document["materials"][primitive["material"]].get("pbrMetallicRoughness", {}) if "material" in primitive else {}
    )
    if "baseColorTexture" not in surface:
        raise GlbError("the GLB file has no texture")
    image = document["images"][document["textures"][surface["baseColorTexture"]["index"]]["source"]]
    if "bufferView" not in image:
        raise GlbError("the GLB file's texture is a file of its own; pack it into the GLB")
    return np.asarray(Image.open(io.BytesIO(read_view(document, binary, image["bufferView"]))).convert("RGB"))
