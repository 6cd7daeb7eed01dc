"""`sam3d-ros evaluate` from the outside."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from sam3d_ros.cli import main
from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.mesh_io import write_mesh
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.frames.frame_folder import save_frame
from sam3d_ros.replay.truth.truth_object import TruthObject

CAMERA = PinholeCamera(160, 120, 200.0, 200.0, 79.5, 59.5)
POSE = SE3(np.array([1.0, 0, 0, 0]), np.array([0.0, 0.0, 0.6]))


def box(edge: float) -> Mesh:
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * edge
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(triangles), np.full((8, 3), 128))


@pytest.fixture
def frames(tmp_path):
    mesh = box(0.1)
    rendering = render([mesh], [POSE], CAMERA)
    pointmap = (CAMERA.rays() * rendering.depth[..., None]).astype(np.float32)
    frame = Frame(rendering.color, pointmap, (rendering.index + 1).astype(np.int32), CAMERA)
    save_frame(tmp_path / "frames" / "known", frame, (TruthObject(1, "cube", mesh, POSE),))
    save_frame(tmp_path / "frames" / "unknown", frame)
    return tmp_path / "frames"


def evaluate(frames, output) -> int:
    return main(["evaluate", "--backend", "fake", "--frames", str(frames), "--output", str(output)])


def test_the_report_compares_what_has_a_truth_and_shows_the_rest(frames, tmp_path, capsys):
    assert evaluate(frames, tmp_path / "out") == 0
    data = json.loads((tmp_path / "out" / "report.json").read_text())
    scores = {row["frame"]: row["score"] for row in data["objects"]}
    assert scores["unknown"] is None
    # The fake makes a box of the visible width and height and half their depth.
    assert 1 < scores["known"]["chamfer_mm"] < 30
    methods = {(row["group"], row["method"]) for row in data["figures"]}
    assert {("all", "result"), ("all", "visible points"), ("all", "convex hull")} <= methods
    assert data["summary"]["backend"] == "fake"
    captured = capsys.readouterr()
    assert str(tmp_path / "out" / "report.html") in captured.out
    assert "pictures only: unknown" in captured.err
    page = (tmp_path / "out" / "report.html").read_text()
    assert "known_object_001_truth.webp" in page
    assert "unknown_object_001_truth.webp" not in page


def test_bad_truth_ends_with_status_two(frames, tmp_path, capsys):
    (frames / "known" / "objects.json").write_text('{"id": 1}')
    assert evaluate(frames, tmp_path / "out") == 2
    assert "expected a list of objects" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def bop_scene(folder):
    """A BOP dataset with one image of a cube."""
    mesh, scene = box(0.1), folder / "set" / "test" / "000001"
    rendering = render([mesh], [POSE], CAMERA)
    for name in ("rgb", "depth", "mask_visib"):
        (scene / name).mkdir(parents=True)
    Image.fromarray(rendering.color).save(scene / "rgb" / "000000.png")
    Image.fromarray(np.rint(np.nan_to_num(rendering.depth) * 1000).astype(np.uint16)).save(scene / "depth/000000.png")
    mask = np.where(rendering.index == 0, 255, 0).astype(np.uint8)
    Image.fromarray(mask).save(scene / "mask_visib" / "000000_000000.png")
    truth = {"obj_id": 1, "cam_R_m2c": [1, 0, 0, 0, 1, 0, 0, 0, 1], "cam_t_m2c": [0, 0, 600]}
    camera = {"cam_K": CAMERA.matrix.reshape(-1).tolist(), "depth_scale": 1.0}
    (scene / "scene_gt.json").write_text(json.dumps({"0": [truth]}))
    (scene / "scene_camera.json").write_text(json.dumps({"0": camera}))
    write_mesh(
        folder / "set" / "models" / "obj_000001.ply", Mesh(1000 * mesh.vertices, mesh.triangles, mesh.vertex_colors)
    )
    (folder / "set" / "models" / "models_info.json").write_text(json.dumps({"1": {"diameter": 173.2}}))
    return scene


def test_a_bop_scene_is_evaluated_like_a_frame_folder(frames, tmp_path):
    scene = bop_scene(tmp_path)
    assert main(["evaluate", "--backend", "fake", "--bop", str(scene), "--output", str(tmp_path / "bop")]) == 0
    assert evaluate(frames / "known", tmp_path / "folder") == 0
    (of_bop,) = json.loads((tmp_path / "bop" / "report.json").read_text())["objects"]
    (of_folder,) = json.loads((tmp_path / "folder" / "report.json").read_text())["objects"]
    assert (of_bop["frame"], of_bop["name"]) == ("000001_000000", "obj_000001")
    assert of_bop["score"] == pytest.approx(of_folder["score"], rel=1e-3, abs=1e-3)


def test_a_broken_bop_scene_and_no_input_at_all_end_with_status_two(tmp_path, capsys):
    scene = bop_scene(tmp_path)
    (scene / "scene_camera.json").write_text('{"0": {"cam_K": [1]}}')
    assert main(["evaluate", "--backend", "fake", "--bop", str(scene), "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "scene_camera.json: image 0: cam_K must be a list of 9 numbers, got [1]" in error
    assert error.count("\n") == 1
    assert main(["evaluate", "--backend", "fake", "--output", str(tmp_path / "out")]) == 2
    assert "no input; give --frames DIR" in capsys.readouterr().err


def test_two_reports_are_compared_and_a_missing_one_ends_with_status_two(frames, tmp_path, capsys):
    assert evaluate(frames, tmp_path / "one") == 0
    compare = ["evaluate", "--output", str(tmp_path / "both"), "--compare", str(tmp_path / "one")]
    assert main([*compare, str(tmp_path / "one" / "report.json")]) == 0
    assert "objects in both: 1, only in A: 0, only in B: 0" in capsys.readouterr().out
    assert (tmp_path / "both" / "compare.html").is_file()
    assert len(json.loads((tmp_path / "both" / "compare.json").read_text())["figures"]) == 21
    assert main([*compare, str(tmp_path / "two")]) == 2
    assert "two: no such file" in capsys.readouterr().err
    assert main([*compare, str(tmp_path / "one"), "--frames", str(frames)]) == 2
    assert "leave out --frames" in capsys.readouterr().err
