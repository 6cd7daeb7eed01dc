"""`sam3d-ros view` from the outside: what it shows, says and refuses."""

from __future__ import annotations

import sys

import pytest

from sam3d_ros.cli import main
from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.training.synthetic import SceneConfig, SequenceConfig
from sam3d_ros.training.synthetic.bag import write_sequence

CAMERA = PinholeCamera(160, 120, 152.0, 152.0, 79.5, 59.5)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = tmp_path_factory.mktemp("scene") / "scene.mcap"
    write_sequence(path, SequenceConfig(SceneConfig(seed=3, props=("mug", "can")), camera=CAMERA, frames=3))
    return path


@pytest.fixture
def viser():
    return pytest.importorskip("viser", reason="viser is not installed: pip install 'sam3d_ros[view]'")


def test_a_bag_of_a_camera_is_computed_and_ends_by_itself(viser, scene, capsys):
    assert main(["view", str(scene), "--backend", "fake", "--port", "0", "--seconds", "0.5"]) == 0
    printed = capsys.readouterr().out
    assert "the bag has no results: its frames go through the pipeline" in printed
    assert "/segmentation/mask" in printed
    assert "http://127.0.0.1:" in printed


def test_a_bag_of_results_is_shown_as_recorded(viser, scene, tmp_path, capsys):
    assert main(["replay", str(scene), "--backend", "fake", "--output", str(tmp_path), "--target-frame", "map"]) == 0
    capsys.readouterr()
    bag = str(tmp_path / "results.mcap")
    assert main(["view", bag, "--port", "0", "--seconds", "0.5", "--frames", "2"]) == 0
    printed = capsys.readouterr().out
    assert "results on /sam3d/objects: they are shown as recorded" in printed
    assert "only the first 2 frames are shown" in printed
    assert "pipeline" not in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give a BAG to show a recording, or --ros"),
        (["SCENE", "--ros"], "give a BAG to show a recording, or --ros"),
        (["no_such.mcap"], "no such file"),
        (["SCENE", "--topics", "mask=/x"], "write ROLE:=TOPIC"),
        (["SCENE", "--topics", "mask:=/x"], "no topic /x for mask"),
        (["SCENE", "--host", "192.0.2.1"], "no address of this machine"),
        (["SCENE", "--backend", "fake", "--gaussians", "4"], "leave out --gaussians"),
    ],
)
def test_bad_input_is_said_and_exits_with_two(viser, arguments, words, scene, capsys):
    given = [str(scene) if text == "SCENE" else text for text in arguments]
    backend = [] if "--backend" in given else ["--backend", "fake"]
    assert main(["view", *given, *backend, "--port", "0"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


@pytest.mark.parametrize("port", ["-1", "65536", "web"])
def test_a_port_that_is_none_is_refused(port, scene, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["view", str(scene), "--port", port])
    assert exit_.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_without_viser_one_line_says_how_to_get_it(monkeypatch, scene, capsys):
    monkeypatch.setitem(sys.modules, "viser", None)
    assert main(["view", str(scene), "--backend", "fake"]) == 2
    error = capsys.readouterr().err
    assert "pip install 'sam3d_ros[view]'" in error
    assert len(error.splitlines()) == 1


def test_without_ros_one_line_says_what_is_missing(viser, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("sam3d_ros.node.live_view")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rclpy", None)
    monkeypatch.setitem(sys.modules, "rclpy.node", None)
    assert main(["view", "--ros", "--port", "0", "--backend", "fake"]) == 2
    assert "--ros needs ROS 2" in capsys.readouterr().err
