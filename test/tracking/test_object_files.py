"""Files of an object: which there are, what they hold, and a word where Gaussians are asked for in vain."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.gaussian_ply import read_gaussian_ply
from sam3d_ros.geometry.gaussians import Gaussians
from sam3d_ros.geometry.textured_files import decode_textured_glb
from sam3d_ros.pipeline import Quality
from sam3d_ros.tracking import ObjectState, SceneObject
from sam3d_ros.tracking.object_files import FORMATS, ObjectFileError, word_on_gaussians, write_object

GREEN = Gaussians(np.zeros((1, 3)), np.full((1, 3), 0.05), np.ones((1, 4)), [0.9], [[-1.0, 1.0, -1.0]])


def scene_object(gaussians: Gaussians | None) -> SceneObject:
    ball = trimesh.creation.icosphere(subdivisions=1, radius=0.05)
    return SceneObject(
        object_id=7,
        label=3,
        detection=None,
        state=ObjectState.COMPLETE,
        mesh=Mesh(ball.vertices, ball.faces, np.full((len(ball.vertices), 3), [200, 10, 20])),
        mesh_version=1,
        T_ref_obj=SE3.identity(),
        covariance=np.eye(6),
        scale=0.1,
        quality=Quality(),
        stamp_ns=0,
        gaussians=gaussians,
    )


def test_each_format_has_its_file_and_its_name(tmp_path):
    paths = write_object(tmp_path, "mug", scene_object(GREEN), FORMATS)
    names = ["mug.ply", "mug.glb", "mug.obj", "mug.textured.glb"]
    names += ["mug.textured.obj", "mug.textured.mtl", "mug.textured.png", "mug.gaussians.ply"]
    assert [path.name for path in paths] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_gaussians_are_written_as_they_are_and_paint_the_texture(tmp_path):
    write_object(tmp_path, "mug", scene_object(GREEN), ["gaussians", "textured-glb"])
    np.testing.assert_allclose(read_gaussian_ply(tmp_path / "mug.gaussians.ply").sh_dc, GREEN.sh_dc)
    texture = decode_textured_glb((tmp_path / "mug.textured.glb").read_bytes()).texture
    np.testing.assert_array_equal(np.unique(texture.reshape(-1, 3), axis=0), GREEN.colors)


def test_without_gaussians_the_vertex_colours_paint_and_no_gaussian_file_appears(tmp_path):
    item = scene_object(None)
    paths = write_object(tmp_path, "mug", item, ["textured-glb", "gaussians"])
    assert [path.name for path in paths] == ["mug.textured.glb"]
    texture = decode_textured_glb(paths[0].read_bytes()).texture
    np.testing.assert_array_equal(np.unique(texture.reshape(-1, 3), axis=0), [[200, 10, 20]])


def test_who_asks_for_gaussians_in_vain_is_told():
    objects = [scene_object(None), scene_object(GREEN)]
    assert "1 of 2 objects have no Gaussians" in word_on_gaussians(objects, ["gaussians"])
    assert word_on_gaussians(objects, ["ply"]) == ""
    assert word_on_gaussians(objects[1:], ["gaussians"]) == ""


def test_a_missing_library_is_named_with_the_object(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xatlas", None)
    with pytest.raises(ObjectFileError, match=r"object 7.*pip install xatlas"):
        write_object(tmp_path, "mug", scene_object(None), ["textured-obj"])
