"""Meshes to and from files: PLY and OBJ in the z-up object frame, GLB y up; metres, vertex colours.

Files appear whole or not at all: the bytes go to a temporary file beside the target, which is then renamed over it.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .glb import decode_glb, encode_glb
from .mesh import Mesh

_PLY_VERTEX = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])
_PLY_FACE = np.dtype([("count", "u1"), ("abc", "<i4", 3)])
# With what trimesh and our own reader stop over a broken file; measured by cutting and garbling files.
_PARSER_FAULTS = (
    ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, NotImplementedError,
    EOFError, MemoryError, struct.error,
)  # fmt: skip


class MeshFileError(ValueError):
    """A mesh file of an unknown kind, one that is broken, or one without triangles."""


def encode_ply(mesh: Mesh) -> bytes:
    """The bytes of a binary little-endian PLY file with vertex colours, in the object frame."""
    vertices = np.empty(len(mesh.vertices), _PLY_VERTEX)
    vertices["xyz"], vertices["rgb"] = mesh.vertices, mesh.vertex_colors
    faces = np.empty(len(mesh.triangles), _PLY_FACE)
    faces["count"], faces["abc"] = 3, mesh.triangles
    lines = ["ply", "format binary_little_endian 1.0", "comment object frame, z up, metres, sRGB"]
    lines += [f"element vertex {len(vertices)}", *(f"property float {axis}" for axis in "xyz")]
    lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    lines += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header", ""]
    return "\n".join(lines).encode("ascii") + vertices.tobytes() + faces.tobytes()


def encode_obj(mesh: Mesh) -> bytes:
    """The bytes of a Wavefront OBJ file, object frame, with sRGB vertex colours 0-1 after the coordinates."""
    rows = np.concatenate([mesh.vertices, mesh.vertex_colors / 255.0], axis=1)
    vertices = "v %.9g %.9g %.9g %.5f %.5f %.5f\n" * len(rows) % tuple(rows.reshape(-1).tolist())
    faces = "f %d %d %d\n" * len(mesh.triangles) % tuple((mesh.triangles.reshape(-1) + 1).tolist())
    return ("# object frame, z up, metres, sRGB\n" + vertices + faces).encode("ascii")


_ENCODERS: dict[str, Callable[[Mesh], bytes]] = {".ply": encode_ply, ".glb": encode_glb, ".obj": encode_obj}
MESH_SUFFIXES = tuple(_ENCODERS)


def write_mesh(path: Path | str, mesh: Mesh) -> None:
    """Write the mesh in the format of the file's suffix: .ply, .glb or .obj."""
    suffix = Path(path).suffix.lower()
    if suffix not in _ENCODERS:
        raise MeshFileError(f"cannot write {path}: the suffix must be one of {', '.join(MESH_SUFFIXES)}")
    write_atomically(path, _ENCODERS[suffix](mesh))


def write_ply(path: Path | str, mesh: Mesh) -> None:
    """Write a binary PLY file in the object frame."""
    write_atomically(path, encode_ply(mesh))


def write_glb(path: Path | str, mesh: Mesh) -> None:
    """Write a GLB file, y up."""
    write_atomically(path, encode_glb(mesh))


def write_obj(path: Path | str, mesh: Mesh) -> None:
    """Write an OBJ file in the object frame."""
    write_atomically(path, encode_obj(mesh))


def read_mesh(path: Path | str) -> Mesh:
    """The mesh of a PLY, OBJ or GLB file in the object frame (a GLB is turned from y up to z up).

    PLY and OBJ may come from other programs: polygons are split, textures become vertex colours, grey where there are
    none. Raises FileNotFoundError, or MeshFileError with what is wrong and what to do.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _ENCODERS:
        raise MeshFileError(f"cannot read {path}: the suffix must be one of {', '.join(MESH_SUFFIXES)}")
    if not path.is_file():
        raise FileNotFoundError(f"no mesh file {path}")
    try:
        mesh = decode_glb(path.read_bytes()) if suffix == ".glb" else _read_with_trimesh(path)
    except _PARSER_FAULTS as error:
        kind, fault = suffix[1:].upper(), f"{type(error).__name__}: {error}"
        raise MeshFileError(f"cannot read {path} ({fault}): it is no whole {kind} file; export it again") from error
    if not len(mesh.triangles):
        raise MeshFileError(f"{path} holds no triangles; export the surface, not its points alone")
    return mesh


def content_hash(mesh: Mesh) -> str:
    """Sixteen hexadecimal digits that differ when the mesh differs; for file names that viewers may cache for ever."""
    digest = hashlib.sha256()
    for array in (mesh.vertices, mesh.triangles, mesh.vertex_colors):
        digest.update(len(array).to_bytes(8, "little") + array.tobytes())
    return digest.hexdigest()[:16]


def write_atomically(path: Path | str, data: bytes) -> None:
    """Write the bytes so that a reader sees the old file or the whole new one; folders are made as needed."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes private files; a viewer may be another user
        os.replace(temporary, target)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _read_with_trimesh(path: Path) -> Mesh:
    import trimesh  # takes a second to import, and only reading needs it

    loaded: Any = trimesh.load(path, process=False, force="mesh")
    if not len(getattr(loaded, "faces", ())):
        return Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), np.zeros((0, 3), np.uint8))
    return Mesh(loaded.vertices, loaded.faces, _vertex_colours(loaded))


def _vertex_colours(loaded: Any) -> NDArray[np.uint8]:
    visual = loaded.visual.to_color() if loaded.visual.kind == "texture" else loaded.visual
    colours: NDArray[np.uint8] = np.asarray(visual.vertex_colors, np.uint8)[:, :3]
    return colours
