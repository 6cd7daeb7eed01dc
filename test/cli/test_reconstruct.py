"""`sam3d-ros reconstruct` from the outside: files, exit status, one clear line for bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from sam3d_ros.cli import main
from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.mesh_io import read_mesh
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.frames.frame_folder import save_frame

CAMERA = PinholeCamera(160, 120, 200.0, 200.0, 79.5, 59.5)


def box(edge: float) -> Mesh:
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * edge
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(triangles), np.full((8, 3), 128))


def save_two_boxes(folder) -> None:
    """Boxes with labels 3 and 300, and a mask of one pixel with label 9 that must be refused."""
    poses = [SE3(np.array([1.0, 0, 0, 0]), np.array([x, 0.0, 0.6])) for x in (-0.08, 0.08)]
    rendering = render([box(0.1), box(0.1)], poses, CAMERA)
    pointmap = (CAMERA.rays() * rendering.depth[..., None]).astype(np.float32)
    labels = np.select([rendering.index == 0, rendering.index == 1], [3, 300], 0).astype(np.int32)
    labels[2, 2] = 9
    save_frame(folder, Frame(rendering.color, pointmap, labels, CAMERA))


@pytest.fixture
def frames(tmp_path):
    for name in ("one", "two"):
        save_two_boxes(tmp_path / "frames" / name)
    return tmp_path / "frames"


def reconstruct(frames, output, *more: str) -> int:
    return main(["reconstruct", "--backend", "fake", "--output", str(output), *more, "--frames", *map(str, frames)])


def test_every_mask_leaves_as_object_or_rejection(frames, tmp_path, capsys):
    assert reconstruct([frames / "one"], tmp_path / "out") == 0
    folder = tmp_path / "out" / "one"
    objects = json.loads((folder / "objects.json").read_text())
    rejections = json.loads((folder / "rejections.json").read_text())
    assert [item["id"] for item in objects] == [3, 300]
    assert [(item["id"], item["reason"]) for item in rejections] == [(9, "mask_too_small")]
    assert sorted(path.name for path in folder.iterdir()) == [
        "object_003.ply",
        "object_300.ply",
        "objects.json",
        "rejections.json",
    ]
    out = capsys.readouterr().out
    assert "one: mask 9 rejected, mask_too_small" in out
    assert "2 objects, 1 rejections" in out


def test_the_mesh_at_its_pose_lies_where_the_depth_is(frames, tmp_path):
    reconstruct([frames / "one"], tmp_path / "out")
    folder = tmp_path / "out" / "one"
    for item, x in zip(json.loads((folder / "objects.json").read_text()), (-0.08, 0.08), strict=True):
        mesh = read_mesh(folder / item["mesh"])
        centre = SE3.from_matrix(item["T_cam_obj"]).apply(mesh.box_centre)
        np.testing.assert_allclose(centre, [x, 0.0, 0.6], atol=0.03)


def test_a_folder_of_frame_folders_means_all_of_them(frames, tmp_path):
    assert reconstruct([frames], tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one", "two"]


def test_other_formats_are_written_beside_the_ply(frames, tmp_path):
    reconstruct([frames / "one"], tmp_path / "out", "--format", "glb,OBJ")
    names = {path.name for path in (tmp_path / "out" / "one").iterdir()}
    assert {"object_003.ply", "object_003.glb", "object_003.obj"} <= names


def test_textures_are_written_and_missing_gaussians_are_said(frames, tmp_path, capsys):
    arguments = ("--format", "textured-glb,textured-obj,gaussians")
    assert reconstruct([frames / "one"], tmp_path / "out", *arguments) == 0
    assert reconstruct([frames / "one"], tmp_path / "out", *arguments) == 0  # earlier results are known as such
    names = {path.name for path in (tmp_path / "out" / "one").glob("object_003*")}
    textured = {f"object_003.textured.{suffix}" for suffix in ("glb", "obj", "mtl", "png")}
    assert names == {"object_003.ply", *textured}
    assert "one: 2 of 2 objects have no Gaussians" in "".join(capsys.readouterr())


def test_the_same_seed_gives_the_same_files(frames, tmp_path):
    for name in ("first", "second"):
        reconstruct([frames / "one"], tmp_path / name, "--seed", "5")
    first, second = ((tmp_path / name / "one" / "object_003.ply").read_bytes() for name in ("first", "second"))
    assert first == second


def test_a_second_run_replaces_the_first(frames, tmp_path):
    assert reconstruct([frames / "one"], tmp_path / "out", "--format", "glb") == 0
    assert reconstruct([frames / "one"], tmp_path / "out") == 0
    assert not list((tmp_path / "out" / "one").glob("*.glb"))


def bad_input(capsys, *arguments: str) -> str:
    """The one line on standard error of a call that must end with status 2."""
    assert main(["reconstruct", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    return captured.err


def test_bad_input_is_found_before_anything_is_written(frames, tmp_path, capsys):
    (frames / "two" / "depth.png").unlink()
    line = bad_input(capsys, "--backend", "fake", "--frames", str(frames), "--output", str(tmp_path / "out"))
    assert "two/depth.png: no such file" in line
    assert not (tmp_path / "out").exists()


def test_a_folder_without_frames_is_named(tmp_path, capsys):
    line = bad_input(capsys, "--frames", str(tmp_path), "--output", str(tmp_path / "out"))
    assert "no frame" in line


def test_two_frames_of_one_name_are_refused(frames, tmp_path, capsys):
    save_two_boxes(tmp_path / "other" / "one")
    line = bad_input(
        capsys, "--frames", str(frames / "one"), str(tmp_path / "other" / "one"), "--output", str(tmp_path / "out")
    )
    assert "would both write to one" in line


def test_the_same_folder_twice_is_one_frame(frames, tmp_path, capsys):
    assert reconstruct([frames / "one", frames / "one"], tmp_path / "out") == 0
    assert "2 objects, 1 rejections" in capsys.readouterr().out


def test_results_never_overwrite_the_input(frames, capsys):
    before = sorted(path.name for path in (frames / "one").iterdir())
    line = bad_input(capsys, "--frames", str(frames / "one"), "--output", str(frames))
    assert "no earlier result" in line
    assert sorted(path.name for path in (frames / "one").iterdir()) == before


def test_an_output_that_is_a_file_is_refused(frames, tmp_path, capsys):
    (tmp_path / "out").write_text("")
    line = bad_input(capsys, "--frames", str(frames), "--output", str(tmp_path / "out" / "deeper"))
    assert "is a file" in line


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--backend", "geometric", "--device", "cuda"], "CPU only"),
        (["--backend", "geometric", "--weights", "model.safetensors"], "has no weights"),
        (["--weights", "model.safetensors"], "model.safetensors: no such folder"),
        (["--seed", "-1"], "--seed"),
        (["--triangles", "3"], "--triangles"),
    ],
)
def test_options_that_the_backend_does_not_have_are_refused(frames, tmp_path, capsys, arguments, word):
    assert word in bad_input(capsys, *arguments, "--frames", str(frames), "--output", str(tmp_path / "out"))


def test_an_unknown_format_is_refused(frames, tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        reconstruct([frames], tmp_path / "out", "--format", "stl")
    assert end.value.code == 2
    assert "'stl' is no mesh format" in capsys.readouterr().err


def test_a_frame_without_mask_is_segmented_and_says_so(frames, tmp_path, capsys, monkeypatch):
    """The masks are found on the support plane; here the search is replaced, it has its own tests."""
    labels = np.asarray(Image.open(frames / "one" / "mask.png")).astype(np.int32)
    labels[labels == 9] = 0
    monkeypatch.setattr("sam3d_ros.segmentation.tabletop.segment_tabletop", lambda color, pointmap, config: labels)
    (frames / "one" / "mask.png").unlink()
    assert reconstruct([frames / "one"], tmp_path / "out") == 0
    assert "no mask.png; 2 objects found on the support plane" in capsys.readouterr().out
    written = np.asarray(Image.open(tmp_path / "out" / "one" / "mask.png"))
    np.testing.assert_array_equal(written, labels)
