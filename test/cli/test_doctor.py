"""The doctor: what it finds, what it advises, and that nothing missing can stop it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sam3d_ros import cli
from sam3d_ros.cli import doctor as command
from sam3d_ros.doctor import Examination, Finding, State, as_json, as_text, examine, ros, system
from sam3d_ros.doctor.route import Route, RouteKind, find_route
from sam3d_ros.doctor.trial import CODE, Trial, try_all

PYPI = Route(RouteKind.PYPI, checkout=Path("/checkout"))
HUMBLE = Route(RouteKind.DISTRIBUTION, "humble", installed=("humble",))
NO_ROS = Route(RouteKind.NONE)
ALL_WELL = {
    "rclpy": Trial({"rmw": "rmw_fastrtps_cpp"}),
    "sam3d_ros messages": Trial({"from": "/v/sam3d_ros/msg/__init__.py"}),
    "tf2_msgs": Trial({"from": "/v/tf2_msgs/msg/__init__.py"}),
    "vision_msgs": Trial({"from": "/v/vision_msgs/msg/__init__.py"}),
}


def by_name(findings) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def test_a_complete_pypi_route_has_nothing_missing():
    found = by_name(ros.ros_findings(PYPI, ALL_WELL, {"ROS_DOMAIN_ID": "7"}))
    assert {finding.state for finding in found.values()} == {State.OK}
    assert found["middleware"].detail == "rmw_fastrtps_cpp"
    assert found["domain"].detail == "ROS_DOMAIN_ID 7, discovery SUBNET"
    assert found["tf2_msgs"].detail == "/v/tf2_msgs"


def test_localhost_only_of_humble_is_told():
    found = by_name(ros.ros_findings(HUMBLE, ALL_WELL, {"ROS_LOCALHOST_ONLY": "1"}))
    assert found["domain"].detail == "ROS_DOMAIN_ID 0, discovery LOCALHOST"


@pytest.mark.parametrize(
    ("route", "remedy"),
    [
        (
            NO_ROS,
            "install a ROS 2 distribution (https://docs.ros.org), or clone the project and run `make setup` there",
        ),
        (Route(RouteKind.NONE, checkout=Path("/checkout")), "make -C /checkout setup"),
        (Route(RouteKind.NONE, installed=("jazzy",)), "source /opt/ros/jazzy/setup.bash"),
    ],
)
def test_without_rclpy_the_command_is_the_one_for_this_machine(route, remedy):
    found = by_name(ros.ros_findings(route, {}))
    assert found["rclpy"].state is State.MISSING
    assert found["rclpy"].remedy == remedy
    assert "sam3d_ros messages" not in found


def test_an_rclpy_that_does_not_import_is_missing_with_its_own_words():
    found = by_name(ros.ros_findings(HUMBLE, {"rclpy": Trial({}, "ImportError: librcl.so")}))
    assert found["rclpy"].state is State.MISSING
    assert found["rclpy"].detail == "ImportError: librcl.so"


@pytest.mark.parametrize(
    ("route", "name", "remedy"),
    [
        (PYPI, "vision_msgs", "make -C /checkout setup"),
        (HUMBLE, "vision_msgs", "sudo apt-get install ros-humble-vision-msgs"),
        (HUMBLE, "sam3d_ros messages", "colcon build --packages-select sam3d_ros && source install/setup.bash"),
    ],
)
def test_missing_messages_come_from_where_this_route_has_them(route, name, remedy):
    trials = {**ALL_WELL, name: Trial({}, "ModuleNotFoundError: nothing")}
    finding = by_name(ros.ros_findings(route, trials))[name]
    assert (finding.state, finding.remedy) == (State.MISSING, remedy)


def test_optional_packages_name_the_distributions_package(monkeypatch):
    monkeypatch.setattr(ros, "is_importable", lambda module: module == "tf2_ros")
    monkeypatch.setattr(ros.shutil, "which", lambda name: None)
    found = by_name(ros.extra_findings(HUMBLE))
    assert found["tf2_ros"].state is State.OK
    assert found["launch_pytest"].state is State.OPTIONAL
    assert found["launch_pytest"].remedy == "sudo apt-get install ros-humble-launch-pytest"
    assert found["ros2"].remedy == "sudo apt-get install ros-humble-ros2cli"
    assert found["cv_bridge"].remedy == ""


def test_packages_of_the_extras_are_optional_and_say_which_extra_brings_them(monkeypatch):
    monkeypatch.setattr(system, "_version", lambda name: "2.60" if name == "ray" else None)
    found = by_name(system.extra_package_findings(HUMBLE))
    assert (found["ray"].state, found["ray"].detail) == (State.OK, "2.60, for `sam3d-ros evaluate --ray`")
    assert found["viser"].state is State.OPTIONAL
    assert found["viser"].remedy.endswith("pip install 'sam3d_ros[view]'")


def test_every_extra_package_is_brought_by_its_extra():
    text = (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text()
    for name, (extra, _) in system.EXTRA_PACKAGES.items():
        (requirements,) = re.findall(rf"^{extra} = (\[.*\])$", text, re.MULTILINE)
        assert f'"{name}' in requirements


def test_a_mere_folder_of_that_name_is_no_package(tmp_path, monkeypatch):
    (tmp_path / "launch_folder_only").mkdir()
    (tmp_path / "real_module_here.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    assert not ros.is_importable("launch_folder_only")
    assert ros.is_importable("real_module_here")
    assert not ros.is_importable("nowhere_at_all")


@pytest.mark.parametrize(("version", "state"), [((3, 9), State.MISSING), ((3, 10), State.OK), ((3, 13), State.MISSING)])
def test_python_fits_from_3_10_to_3_12(version, state):
    assert system.python_finding(version).state is state


def test_system_libraries_that_open3d_lacks_are_named_with_one_command(monkeypatch):
    monkeypatch.setattr(system, "_loads", lambda name: name not in ("libusb-1.0.so.0", "libGL.so.1"))
    monkeypatch.setattr(system, "_version", lambda name: "0.20.0")
    error = "OSError: libusb-1.0.so.0: cannot open shared object file"
    found = by_name(system.open3d_findings(Trial({}, error), PYPI))
    assert found["open3d"].detail == error
    assert found["open3d"].remedy == "sudo apt-get install -y libusb-1.0-0 libgl1"
    assert found["libGL.so.1"].remedy == "sudo apt-get install -y libgl1"
    assert "libX11.so.6" not in found


def test_weights_of_the_package_are_found_or_missed(monkeypatch, tmp_path):
    found = system.weights_finding()
    assert found.state is State.OK
    assert float(found.detail.removeprefix("of the package, ").removesuffix(" MB")) > 5
    monkeypatch.setattr("sam3d_ros.pipeline.model_options.SHIPPED", tmp_path / "absent")
    lost = system.weights_finding()
    assert lost.state is State.MISSING
    assert "absent" in lost.detail


def test_the_default_model_needs_torch_whose_device_and_memory_are_told():
    missing = by_name(system.torch_findings(None, PYPI))["torch"]
    assert missing.state is State.MISSING
    assert "geometric" in missing.detail
    answer = {
        "version": "2.13.0",
        "device": "NVIDIA Orin",
        "cuda": "12.6",
        "free": str(3 * 2**30),
        "total": str(8 * 2**30),
    }
    found = by_name(system.torch_findings(Trial(answer), PYPI))
    assert found["device"].detail == "NVIDIA Orin"
    assert found["CUDA memory"].detail == "3.0 of 8.0 GiB free (CUDA 12.6)"


def test_trials_survive_modules_that_are_missing_crash_or_write(monkeypatch):
    monkeypatch.setitem(CODE, "absent", "import a_module_that_nobody_has")
    monkeypatch.setitem(CODE, "crash", "import os; os.abort()")
    monkeypatch.setitem(CODE, "chatty", "print('hello'); answer = {'version': '1'}")
    trials = try_all(("absent", "crash", "chatty"))
    assert "a_module_that_nobody_has" in trials["absent"].error
    assert "signal 6" in trials["crash"].error
    assert trials["chatty"] == Trial({"version": "1"})


def test_the_real_examination_of_this_machine_finds_open3d_and_this_package():
    found = by_name(examine().findings)
    assert found["open3d"].state is State.OK
    assert found["sam3d_ros"].detail.endswith("sam3d_ros")
    assert found["numpy"].detail.count(".") >= 1


def test_the_route_is_read_without_importing_rclpy():
    code = "import sys; from sam3d_ros.doctor.route import find_route; find_route(); print('rclpy' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_installed_distributions_are_listed_sourced_or_not(tmp_path):
    for name in ("jazzy", "humble"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "setup.bash").touch()
    assert find_route({}, tmp_path).installed == ("humble", "jazzy")


MISSING = Finding("ROS 2", "rclpy", State.MISSING, "not installed", "make setup")
FINE = Finding("Machine", "Python", State.OK, "3.11.7")


def test_text_is_aligned_and_ends_with_the_verdict_and_the_commands():
    lines = as_text(Examination((FINE, MISSING))).splitlines()
    assert lines == [
        "Machine",
        "  ok  Python  3.11.7",
        "",
        "ROS 2",
        "  !!  rclpy   not installed",
        "              -> make setup",
        "",
        "The node cannot run: rclpy.",
        "  make setup",
    ]


def test_a_command_that_several_need_is_printed_once_below_them():
    findings = tuple(Finding("Optional", name, State.OPTIONAL, "", "the command") for name in ("a", "b", "c"))
    assert as_text(Examination(findings)).count("the command") == 1


def test_json_says_whether_it_works_and_why_not():
    answer = json.loads(as_json(Examination((FINE, MISSING))))
    assert answer["works"] is False
    assert answer["findings"][1] == {
        "group": "ROS 2",
        "name": "rclpy",
        "state": "missing",
        "detail": "not installed",
        "remedy": "make setup",
    }


@pytest.mark.parametrize(("findings", "status"), [((FINE,), 0), ((FINE, MISSING), 1)])
def test_the_exit_status_says_whether_the_main_job_works(findings, status, monkeypatch, capsys):
    monkeypatch.setattr(command, "examine", lambda: Examination(findings))
    assert cli.main(["doctor", "--json"]) == status
    assert json.loads(capsys.readouterr().out)["works"] is (status == 0)
