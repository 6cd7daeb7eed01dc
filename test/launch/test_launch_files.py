"""The launch files start a node that answers; without launch, its executable does the same as a plain process."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = Path(__file__).with_name("fake_backend.yaml")
NAMESPACE = "robot"


def installed(name: str) -> bool:
    """Whether a real package of the name is there: our own folder launch/ is on the path, too."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None


if installed("launch_pytest") and installed("launch_ros"):
    import launch_pytest
    from launch.actions import IncludeLaunchDescription
    from launch.launch_description_sources import PythonLaunchDescriptionSource

    from launch import LaunchDescription

    def included(name: str) -> LaunchDescription:
        arguments = {"namespace": NAMESPACE, "params_file": str(PARAMETERS)}
        source = PythonLaunchDescriptionSource(str(ROOT / "launch" / name))
        include = IncludeLaunchDescription(source, launch_arguments=arguments.items())
        return LaunchDescription([include, launch_pytest.actions.ReadyToTest()])

    @launch_pytest.fixture
    def sam3d_launch() -> LaunchDescription:
        return included("sam3d.launch.py")

    @pytest.mark.launch(fixture=sam3d_launch)
    def test_the_launch_file_brings_up_a_node_that_answers(check_one_frame: Callable[[str], None]) -> None:
        check_one_frame(f"/{NAMESPACE}")

else:

    @pytest.fixture
    def node_process() -> Iterator[subprocess.Popen[bytes]]:
        """What sam3d.launch.py would run."""
        command = [sys.executable, "-m", "sam3d_ros.node.main", "--ros-args", "--params-file", str(PARAMETERS)]
        process = subprocess.Popen([*command, "-r", f"__ns:=/{NAMESPACE}"], cwd="/", env=os.environ.copy())
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0

    def test_the_executable_brings_up_a_node_that_answers(
        node_process: subprocess.Popen[bytes], check_one_frame: Callable[[str], None]
    ) -> None:
        check_one_frame(f"/{NAMESPACE}")
        assert node_process.poll() is None


def test_every_launch_file_has_valid_python_and_is_named_in_the_documentation() -> None:
    documented = (ROOT / "docs" / "launch.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "launch").glob("*.launch.py")):
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
        assert path.name in documented, path.name
