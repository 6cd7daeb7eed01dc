"""The files of one object: its mesh in every format, textured or not, and its Gaussians."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..geometry.gaussian_ply import write_gaussian_ply
from ..geometry.mesh_io import write_mesh
from ..geometry.textured_files import write_textured_glb, write_textured_obj
from ..geometry.textured_mesh import TexturedMesh
from .scene import SceneObject

GAUSSIANS = "gaussians"
_MESHES = ("ply", "glb", "obj")
_TEXTURED = {
    "textured-glb": (".textured.glb", write_textured_glb),
    "textured-obj": (".textured.obj", write_textured_obj),
}
FORMATS = (*_MESHES, *_TEXTURED, GAUSSIANS)


class ObjectFileError(RuntimeError):
    """An object that cannot be written in the format asked for; the message says why and what to do."""


def write_object(folder: Path, stem: str, item: SceneObject, formats: Iterable[str]) -> list[Path]:
    """Write an object in each of the formats, which are some of `FORMATS`; the paths of the files.

    `stem`.ply, .glb and .obj hold the mesh with vertex colours; .textured.glb and .textured.obj (with .mtl and .png)
    the mesh with a texture, painted by the object's Gaussians or, without any, by its vertex colours; .gaussians.ply
    the Gaussians, where the object has some (see `word_on_gaussians`). Raises ObjectFileError where no texture can be
    made.
    """
    paths, textured = [], None
    for name in formats:
        if name in _TEXTURED:
            textured = textured or _textured(item)
            suffix, write = _TEXTURED[name]
            paths += write(folder / f"{stem}{suffix}", textured)
        elif name != GAUSSIANS:
            paths.append(folder / f"{stem}.{name}")
            write_mesh(paths[-1], item.mesh)
        elif item.gaussians is not None:
            paths.append(folder / f"{stem}.gaussians.ply")
            write_gaussian_ply(paths[-1], item.gaussians)
    return paths


def word_on_gaussians(objects: Sequence[SceneObject], formats: Iterable[str]) -> str:
    """What to tell who asked for Gaussians of objects that have none; empty where there is nothing to tell."""
    lacking = [item for item in objects if item.gaussians is None]
    if GAUSSIANS not in formats or not lacking:
        return ""
    count = f"{len(lacking)} of {len(objects)} objects"
    return f"{count} have no Gaussians: sam3d makes some when told how many (--gaussians, parameter gaussians)"


def _textured(item: SceneObject) -> TexturedMesh:
    # Open3D takes seconds to import, and most runs need no texture.
    from ..pipeline.texture import UnwrapError, bake_texture, gaussian_colours, surface_colours

    colours = surface_colours(item.mesh) if item.gaussians is None else gaussian_colours(item.gaussians)
    try:
        return bake_texture(item.mesh, colours)
    except UnwrapError as error:
        raise ObjectFileError(f"object {item.object_id} cannot have a texture: {error}") from error
