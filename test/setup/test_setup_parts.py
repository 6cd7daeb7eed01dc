"""The mend, the system packages, the progress lines, and the files that make the environment known."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from sam3d_setup import distribution_module, shell_files, system
from sam3d_setup.actions import completed, is_usable, perform
from sam3d_setup.console import Console, describe
from sam3d_setup.errors import SetupError
from sam3d_setup.mend import mend, mended_text
from sam3d_setup.plan import MakeVenv, Remove, Run, WriteFile

from sam3d_ros.doctor.system import OPEN3D_LIBRARIES

EXPORT = """set_target_properties(geometry_msgs::geometry_msgs__rosidl_generator_py PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "{}"
)
"""
BUILDER = "/opt/python/cp311-cp311"
FOREIGN = f"{BUILDER}/include/python3.11;{BUILDER}/lib/python3.11/site-packages/numpy/_core/include"


def test_the_mend_replaces_the_builders_folders_and_keeps_relative_ones():
    text = EXPORT.format("${_IMPORT_PREFIX}/include;" + FOREIGN)
    assert mended_text(text, ("/a b/include", "/n")) == EXPORT.format("${_IMPORT_PREFIX}/include;/a b/include;/n")


def test_the_mend_follows_a_numpy_that_moved_its_headers(tmp_path):
    path = tmp_path / "share" / "geometry_msgs" / "cmake" / "export_geometry_msgs__rosidl_generator_pyExport.cmake"
    path.parent.mkdir(parents=True)
    path.write_text(EXPORT.format(FOREIGN))
    assert mend(tmp_path, ("/py", "/numpy/core/include")) == (path,)
    assert mend(tmp_path, ("/py", "/numpy/_core/include")) == (path,)
    assert path.read_text() == EXPORT.format("/py;/numpy/_core/include")
    assert mend(tmp_path, ("/py", "/numpy/_core/include")) == ()


def test_other_exports_are_left_alone(tmp_path):
    path = tmp_path / "share" / "x" / "cmake" / "export_x__rosidl_generator_cExport.cmake"
    path.parent.mkdir(parents=True)
    path.write_text(EXPORT.format("/opt/python"))
    assert mend(tmp_path, ("/py",)) == ()


MISSING = (system.Lack("libusb-1.0.so.0", "libusb-1.0-0"), system.Lack("cmake", "cmake"))


def test_a_superuser_gets_the_packages_installed():
    commands = [run.command for run in system.installation(MISSING, superuser=True, has_apt=True)]
    assert commands[0] == ("apt-get", "update")
    assert commands[1] == ("apt-get", "install", "-y", "--no-install-recommends", "cmake", "libusb-1.0-0")


def test_anyone_else_gets_one_line_with_the_exact_command():
    with pytest.raises(SetupError) as caught:
        system.installation(MISSING, superuser=False, has_apt=True)
    message = str(caught.value)
    assert message.endswith("sudo apt-get install -y --no-install-recommends cmake libusb-1.0-0")
    assert "\n" not in message


def test_without_apt_what_is_missing_is_named():
    with pytest.raises(SetupError, match=r"lacks libusb-1.0.so.0, cmake"):
        system.installation(MISSING, superuser=True, has_apt=False)


def test_a_library_that_is_not_there_is_found_missing(monkeypatch):
    monkeypatch.setattr(system, "LIBRARIES", {"libc.so.6": "libc6", "libnowhere.so.7": "libnowhere7"})
    assert system.lacks(None, {"open3d"}) == (system.Lack("libnowhere.so.7", "libnowhere7"),)


def test_set_up_and_doctor_know_the_same_system_libraries():
    assert system.LIBRARIES == OPEN3D_LIBRARIES


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Progress 200000000 of 401000000", "open3d.whl  200 of 401 MB"),
        ("[ 45%] Building C object x.o", "45 %"),
        ("Collecting numpy==2.4.6 (from -r x)", "Collecting numpy==2.4.6"),
        ("  Downloading https://host/path/open3d-0.20.0.whl (401 MB)", "open3d-0.20.0.whl"),
        ("some other words", None),
    ],
)
def test_progress_is_read_from_the_lines_of_pip_and_cmake(line, expected):
    assert describe(line, "open3d.whl") == expected


def test_a_build_server_log_gets_one_line_at_the_start_and_one_at_the_end():
    stream = io.StringIO()
    console = Console(3, stream, clock=iter([0.0, 0.0, 1.0, 2.0, 7.0]).__next__)
    console.start(2, "Messages")
    console.line("[ 10%] x")
    console.line("[ 20%] x")
    console.done()
    lines = stream.getvalue().splitlines()
    assert [line.split() for line in lines] == [["[2/3]", "Messages"], ["[2/3]", "Messages", "7", "s"]]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_sourcing_the_environment_makes_it_a_ros_prefix_once(shell, tmp_path):
    venv = tmp_path / "my robot's" / ".venv"
    venv.mkdir(parents=True)
    script = venv / "setup.sh"
    script.write_text(shell_files.prefix_scripts(venv)["setup.sh"])
    code = f'. "{script}"; . "{script}"; echo "$PATH"; echo "$AMENT_PREFIX_PATH"; echo "$LD_LIBRARY_PATH"'
    environment = {"PATH": "/usr/bin:/bin", "AMENT_PREFIX_PATH": "/other"}
    answer = subprocess.run([shell, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines() == [f"{venv}/bin:/usr/bin:/bin", f"{venv}:/other", f"{venv}/lib"]
    assert answer.stderr == ""


REMEMBERED = {"ROS_DISTRO": "humble", "LD_LIBRARY_PATH": "/opt/ros/humble/lib", "AMENT_PREFIX_PATH": "/opt/ros/humble"}


def test_an_unsourced_python_gets_what_it_lacks_in_front():
    changes = distribution_module.missing_variables({"LD_LIBRARY_PATH": "/cuda"}, REMEMBERED, "/v")
    assert changes == {
        "ROS_DISTRO": "humble",
        "LD_LIBRARY_PATH": "/v/lib:/opt/ros/humble/lib:/cuda",
        "AMENT_PREFIX_PATH": "/v:/opt/ros/humble",
    }


def test_a_python_that_lacks_nothing_is_left_alone():
    once = distribution_module.missing_variables({}, REMEMBERED, "/v")
    assert distribution_module.missing_variables(once, REMEMBERED, "/v") == {}


def test_an_environment_made_for_a_distribution_finds_it_in_an_unsourced_shell(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "v")], check=True)
    prefix = tmp_path / "v"
    site_packages = next(prefix.glob("lib/python3*/site-packages"))
    (site_packages / "sam3d_ros_distribution.py").write_text(shell_files.distribution_module())
    (site_packages / "sam3d_ros_distribution.pth").write_text("import sam3d_ros_distribution\n")
    (prefix / "sam3d_setup").mkdir()
    (prefix / "sam3d_setup" / "distribution.json").write_text(json.dumps(REMEMBERED))
    code = "import os, sys; print(os.environ['LD_LIBRARY_PATH'], os.environ['ROS_DISTRO'], sys.argv[1:])"
    answer = subprocess.run(
        [prefix / "bin" / "python", "-c", code, "a b"], env={}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == f"{prefix}/lib:/opt/ros/humble/lib humble ['a b']"


def test_variables_of_a_command_replace_remove_and_extend():
    action = Run(("x",), (("PYTHONPATH", ""), ("PATH", "/v/bin"), ("NEW", "1")))
    assert completed({"PATH": "/usr/bin", "PYTHONPATH": "/ros", "HOME": "/h"}, action) == {
        "PATH": "/v/bin:/usr/bin",
        "HOME": "/h",
        "NEW": "1",
    }


def test_an_environment_without_pip_or_from_another_place_is_not_usable(tmp_path):
    version = sys.version_info[:2]
    action = MakeVenv(tmp_path / "v", sys.executable, version, "pypi", tmp_path / "route")
    assert not is_usable(action)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(action.path)], check=True)
    assert not is_usable(action)


def test_removing_what_is_not_there_is_fine_and_folders_go_whole(tmp_path):
    folder = tmp_path / "tf2_msgs"
    perform(WriteFile(folder / "msg" / "a.py", "x"), tmp_path / "log", print)
    perform(Remove(tmp_path, "tf2_*"), tmp_path / "log", print)
    perform(Remove(tmp_path, "tf2_*"), tmp_path / "log", print)
    assert not folder.exists()
