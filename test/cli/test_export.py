"""`sam3d-ros export` from the outside: files, exit status, one clear line for bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
import trimesh

from sam3d_ros.cli import main
from sam3d_ros.geometry import Mesh, PinholeCamera
from sam3d_ros.geometry.mesh_io import write_ply
from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.frames.frame_folder import save_frame


def save_results(folder, *, closed: bool = True) -> None:
    """A box of 0.1 m upright before the camera, as `reconstruct` writes it."""
    folder.mkdir()
    shape = trimesh.creation.box((0.1, 0.1, 0.1))
    triangles = shape.faces if closed else shape.faces[1:]
    write_ply(folder / "object_007.ply", Mesh(shape.vertices, triangles, np.full((8, 3), 128)))
    T_cam_obj = [[1, 0, 0, 0], [0, 0, -1, 0.1], [0, 1, 0, 0.8], [0, 0, 0, 1]]
    entry = {"id": 7, "mesh": "object_007.ply", "T_cam_obj": T_cam_obj}
    (folder / "objects.json").write_text(json.dumps([entry]))


@pytest.fixture
def results(tmp_path):
    save_results(tmp_path / "results")
    return tmp_path / "results"


def export(results, output, *more: str) -> int:
    return main(["export", str(results), "--output", str(output), *more])


def test_all_formats_leave_their_files(results, tmp_path, capsys):
    assert export(results, tmp_path / "out", "--format", "urdf,mjcf,planners") == 0
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert files == [
        "meshes/object_007.obj",
        "meshes/object_007_collision_0.obj",
        "object_007.urdf",
        "planners/completed_cloud.ply",
        "planners/object_007.obj",
        "scene.json",
        "scene.urdf",
        "scene.xml",
    ]
    assert "object_007: 0.500 kg, 1 collision part" in capsys.readouterr().out


def test_the_world_is_written(results, tmp_path):
    export(results, tmp_path / "out", "--density", "1000")
    record = json.loads((tmp_path / "out" / "scene.json").read_text())
    np.testing.assert_allclose(np.array(record["T_world_cam"])[2], [0, -1, 0, 0.15], atol=1e-6)
    assert record["objects"][0]["mass"] == pytest.approx(1.0, rel=1e-5)


# The table falls away from the camera, which looks down at it by 30 degrees: the objects say 3 degrees less.
TABLE_UP = np.array([0.0, -np.cos(np.radians(30)), -np.sin(np.radians(30))])


def save_table(folder, *, up=TABLE_UP, hole: bool = False) -> None:
    """A frame folder that shows nothing but a plane 0.6 m below the camera."""
    camera = PinholeCamera(160, 120, 150.0, 150.0, 79.5, 59.5)
    rays = camera.rays()
    depth = 0.6 / np.maximum(-(rays @ up), 1e-3)
    pointmap = np.where((depth < 4)[..., None], rays * depth[..., None], np.nan).astype(np.float32)
    if hole:
        pointmap[:] = np.nan
    color = np.full((120, 160, 3), 90, np.uint8)
    save_frame(folder, Frame(color, pointmap, np.zeros((120, 160), np.int32), camera, 0))


def test_up_is_told_by_the_plane_in_the_depth_of_a_frame(results, tmp_path):
    T_cam_obj = np.eye(4)
    lean = np.radians(33)
    T_cam_obj[:3, :3] = np.array([[1, 0, 0], [0, np.sin(lean), -np.cos(lean)], [0, -np.cos(lean), -np.sin(lean)]])
    T_cam_obj[:3, 0] *= -1  # right-handed
    T_cam_obj[:3, 3] = 0.0, 0.1, 0.8
    entry = {"id": 7, "mesh": "object_007.ply", "T_cam_obj": T_cam_obj.tolist()}
    (results / "objects.json").write_text(json.dumps([entry]))
    save_table(tmp_path / "frame")
    tilts = []
    for arguments in ([], ["--frame", str(tmp_path / "frame")]):
        assert export(results, tmp_path / "out", *arguments) == 0
        z = np.array(json.loads((tmp_path / "out" / "scene.json").read_text())["T_world_cam"])[2, :3]
        tilts.append(np.degrees(np.arccos(z @ TABLE_UP)))
    assert tilts[0] == pytest.approx(3.0, abs=0.01)
    assert tilts[1] < 0.3


def bad_input(capsys, results, output, *more: str) -> str:
    """The one line on standard error of a call that must end with status 2."""
    assert export(results, output, *more) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_mesh_that_is_open_is_named(tmp_path, capsys):
    save_results(tmp_path / "open", closed=False)
    assert "object_007: its mesh is not closed" in bad_input(capsys, tmp_path / "open", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_frame_without_a_table_is_named(results, tmp_path, capsys):
    save_table(tmp_path / "empty", hole=True)
    save_table(tmp_path / "wall", up=np.array([0.0, -0.1, -0.995]))
    for name, words in (("empty", "no plane in the depth"), ("wall", "tilted by 84 degrees"), ("none", "none")):
        assert words in bad_input(capsys, results, tmp_path / "out", "--frame", str(tmp_path / name))
    assert not (tmp_path / "out").exists()


def test_up_is_said_once(results, tmp_path, capsys):
    with pytest.raises(SystemExit):
        export(results, tmp_path / "out", "--up=0,-1,0", "--frame", str(tmp_path))
    assert "not allowed with" in capsys.readouterr().err


def test_a_folder_without_results_is_named(tmp_path, capsys):
    assert "no objects.json" in bad_input(capsys, tmp_path, tmp_path / "out")


def test_other_peoples_files_are_not_replaced(results, capsys):
    assert "choose another output folder" in bad_input(capsys, results, results)
    assert (results / "object_007.ply").is_file()


def test_missing_decomposition_is_said(results, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sam3d_ros.messages.convex_parts.find_spec", lambda name: None)
    assert "pip install coacd" in bad_input(capsys, results, tmp_path / "out", "--collision", "convex")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--format", "sdf"], "'sdf' is no list of scene formats"),
        (["--up=0,0,0"], "is no direction"),
        (["--density", "0"], "no positive number"),
        (["--collision-triangles", "3"], "at least 4 triangles"),
        (["--stance", "-1"], "no number from 0"),
    ],
)
def test_arguments_out_of_range_are_refused(results, tmp_path, capsys, arguments, word):
    with pytest.raises(SystemExit) as end:
        export(results, tmp_path / "out", *arguments)
    assert end.value.code == 2
    assert word in capsys.readouterr().err
