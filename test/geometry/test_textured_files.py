"""Textured meshes in files: what is written comes back, and other programs put the picture in the same place."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import Mesh
from sam3d_ros.geometry.glb import GlbError, encode_glb
from sam3d_ros.geometry.mesh_io import MeshFileError, read_mesh
from sam3d_ros.geometry.textured_files import (
    decode_textured_glb,
    encode_textured_glb,
    write_textured_glb,
    write_textured_obj,
)
from sam3d_ros.geometry.textured_mesh import TexturedMesh, texels
from sam3d_ros.pipeline.finish import is_watertight

WIDTH, HEIGHT = 24, 16  # 4 x 4 texels for each of the six sides


def textured_box() -> TexturedMesh:
    """A box off the origin, every side with a block of the picture; no symmetry hides a mistake."""
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    sides = np.abs(box.face_normals).argmax(axis=1) + 3 * (box.face_normals.sum(axis=1) > 0)
    mesh = Mesh(box.vertices + [1, 2, 3], box.faces, np.zeros((8, 3)))
    uv, corners = [], []
    for side in range(6):
        faces = mesh.triangles[sides == side]
        used = np.unique(faces)
        across = [axis for axis in range(3) if axis != side % 3]
        square = (mesh.vertices[used][:, across] > mesh.vertices.mean(axis=0)[across]).astype(float)
        place = np.array([side % 3, side // 3])
        uv.append((place + 0.1 + 0.8 * square) / [3, 2])
        corners.append((side, np.searchsorted(used, faces) + 4 * side))
    uv_triangles = np.zeros((12, 3), np.int32)
    for side, numbers in corners:
        uv_triangles[sides == side] = numbers
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3))
    return TexturedMesh(mesh, np.concatenate(uv), uv_triangles, picture)


def corner_colours(points: np.ndarray, uv: np.ndarray, picture: np.ndarray) -> dict[tuple[int, ...], set]:
    """The colours that each place (to the millimetre) has at the seams."""
    found: dict[tuple[int, ...], set] = {}
    for place, color in zip(np.rint(points * 1000).astype(int), texels(picture, uv), strict=True):
        found.setdefault(tuple(place), set()).add(tuple(color.tolist()))
    return found


def expected_colours(box: TexturedMesh, points: np.ndarray) -> dict[tuple[int, ...], set]:
    return corner_colours(points[box.mesh.triangles.reshape(-1)], box.uv[box.uv_triangles.reshape(-1)], box.texture)


def test_a_glb_comes_back_with_its_picture_and_stays_closed():
    box = textured_box()
    again = decode_textured_glb(encode_textured_glb(box))
    np.testing.assert_array_equal(again.texture, box.texture)
    assert is_watertight(again.mesh)
    assert len(again.mesh.vertices) == 8
    assert expected_colours(again, again.mesh.vertices) == expected_colours(box, box.mesh.vertices)


def test_another_program_reads_the_glb_y_up_with_the_same_colours(tmp_path):
    box = textured_box()
    assert write_textured_glb(tmp_path / "box.glb", box) == [tmp_path / "box.glb"]
    theirs = trimesh.load(tmp_path / "box.glb", process=False, force="mesh")
    picture = np.asarray(theirs.visual.material.baseColorTexture.convert("RGB"))
    np.testing.assert_array_equal(picture, box.texture)
    uv = theirs.visual.uv * [1, -1] + [0, 1]  # trimesh lets v run up
    y_up = np.stack([box.mesh.vertices[:, 0], box.mesh.vertices[:, 2], -box.mesh.vertices[:, 1]], axis=1)
    assert corner_colours(theirs.vertices, uv, picture) == expected_colours(box, y_up)


def test_another_program_reads_the_obj_in_the_object_frame_with_the_same_colours(tmp_path):
    box = textured_box()
    paths = write_textured_obj(tmp_path / "a box.textured.obj", box)
    assert [path.name for path in paths] == ["a box.textured.obj", "a box.textured.mtl", "a box.textured.png"]
    theirs = trimesh.load(paths[0], process=False, force="mesh")
    picture = np.asarray(theirs.visual.material.image.convert("RGB"))
    np.testing.assert_array_equal(picture, box.texture)
    uv = theirs.visual.uv * [1, -1] + [0, 1]
    assert corner_colours(theirs.vertices, uv, picture) == expected_colours(box, box.mesh.vertices)
    assert len(read_mesh(paths[0]).triangles) == 12  # our own reader of plain meshes takes it as well


def test_the_plain_reader_says_that_a_glb_has_a_texture(tmp_path):
    write_textured_glb(tmp_path / "box.glb", textured_box())
    with pytest.raises(MeshFileError, match="texture"):
        read_mesh(tmp_path / "box.glb")


def test_a_glb_without_texture_is_refused():
    with pytest.raises(GlbError, match="texture coordinates"):
        decode_textured_glb(encode_glb(textured_box().mesh))


def test_an_empty_mesh_has_no_textured_glb():
    nothing = np.zeros((0, 3))
    empty = TexturedMesh(Mesh(nothing, nothing, nothing), np.zeros((0, 2)), nothing, np.zeros((4, 4, 3)))
    with pytest.raises(GlbError, match="without triangles"):
        encode_textured_glb(empty)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"uv": np.zeros((24, 3))}, r"uv must hold finite numbers of shape \[U, 2\]"),
        ({"uv": np.full((24, 2), np.nan)}, "finite"),
        ({"uv_triangles": np.zeros((11, 3))}, r"uv_triangles must have shape \[12, 3\]"),
        ({"uv_triangles": np.full((12, 3), 24)}, "outside the 24"),
        ({"texture": np.zeros((4, 4))}, "texture must have shape"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, words):
    box = textured_box()
    fields = {name: getattr(box, name) for name in ("mesh", "uv", "uv_triangles", "texture")}
    with pytest.raises(ValueError, match=words):
        TexturedMesh(**{**fields, **changes})
