"""Which steps the set-up takes, on both routes; the plan is a pure function, so no ROS is needed to test it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sam3d_setup.layout import Layout
from sam3d_setup.machine import Distribution, Machine
from sam3d_setup.plan import MakeVenv, MendCMake, Run, WriteFile, plan

LAYOUT = Layout(Path("/checkout"))
PYPI = Machine(LAYOUT, "/usr/bin/python3", (3, 11), distribution=None, processors=4)
VARIABLES = {"ROS_DISTRO": "humble", "AMENT_PREFIX_PATH": "/opt/ros/humble", "PYTHONPATH": "/opt/ros/humble/python"}
HUMBLE = replace(
    PYPI,
    python_version=(3, 10),
    distribution=Distribution("humble", VARIABLES, (3, 10), frozenset({"tf2_msgs"}), numpy_major=1),
)


def names(machine: Machine, **options: bool) -> list[str]:
    return [step.name for step in plan(machine, **options)]


def commands(machine: Machine) -> list[tuple[str, ...]]:
    return [action.command for step in plan(machine) for action in step.actions if isinstance(action, Run)]


def actions_of(machine: Machine, kind: type) -> list:
    return [action for step in plan(machine) for action in step.actions if isinstance(action, kind)]


def test_without_a_distribution_ros_comes_from_pypi_and_both_stand_ins_are_built():
    assert names(PYPI) == [
        "venv", "installer", "ros", "paths", "python", "mend", "tf2_msgs", "vision_msgs", "sam3d_ros", "share", "check"
    ]  # fmt: skip


def test_with_a_distribution_nothing_of_ros_comes_from_pypi_and_only_what_it_lacks_is_built():
    assert names(HUMBLE) == ["venv", "installer", "paths", "python", "vision_msgs", "sam3d_ros", "share", "check"]
    pip_words = {word for command in commands(HUMBLE) if "pip" in command for word in command}
    assert not any("ros-" in word or "requirements-ros" in word for word in pip_words)
    assert actions_of(HUMBLE, MendCMake) == []


def test_a_distribution_with_both_message_packages_gets_neither():
    complete = replace(HUMBLE.distribution, packages=frozenset({"tf2_msgs", "vision_msgs"}))
    assert "vision_msgs" not in names(replace(HUMBLE, distribution=complete))


def test_the_environment_sees_the_system_packages_only_beside_a_distribution():
    assert [action.system_site_packages for action in actions_of(PYPI, MakeVenv)] == [False]
    assert [action.system_site_packages for action in actions_of(HUMBLE, MakeVenv)] == [True]


@pytest.mark.parametrize(
    ("numpy_major", "file"), [(1, "constraints-numpy1.txt"), (2, "constraints.txt"), (None, "constraints.txt")]
)
def test_numpy_stays_what_the_distribution_was_compiled_for(numpy_major, file):
    machine = replace(HUMBLE, distribution=replace(HUMBLE.distribution, numpy_major=numpy_major))
    pip = [command for command in commands(machine) if "pip" in command]
    assert pip
    assert all(f"/checkout/tools/{file}" in command for command in pip)


def test_every_pip_install_is_pinned():
    for machine in (PYPI, HUMBLE):
        for command in commands(machine):
            assert "pip" not in command or "-c" in command


def test_the_mend_comes_after_the_last_step_that_installs_numpy_and_before_the_first_build():
    order = names(PYPI, tests=True)
    assert order.index("tests") < order.index("mend") < order.index("tf2_msgs")


def test_test_tools_are_only_installed_for_the_tests():
    assert set(names(PYPI, tests=True)) - set(names(PYPI)) == {"tests"}


def test_messages_are_built_against_the_distribution_with_the_environment_in_front():
    runs = [action for action in actions_of(HUMBLE, Run) if action.command[0] == "cmake"]
    assert runs
    for run in runs:
        environment = dict(run.environment)
        assert environment["AMENT_PREFIX_PATH"] == "/checkout/.venv:/opt/ros/humble"
        assert environment["PYTHONPATH"] == "/opt/ros/humble/python"


def test_on_the_pypi_route_a_python_path_of_the_shell_does_not_leak_in():
    runs = actions_of(PYPI, Run)
    assert all(dict(run.environment)["PYTHONPATH"] == "" for run in runs)


def test_the_distribution_is_remembered_for_shells_that_did_not_source_it():
    written = {action.path.name for action in actions_of(HUMBLE, WriteFile)}
    assert {"distribution.json", "sam3d_ros_distribution.py", "sam3d_ros_distribution.pth"} <= written
    assert "distribution.json" not in {action.path.name for action in actions_of(PYPI, WriteFile)}


def test_every_step_can_be_carried_out_in_a_folder_with_a_space_in_its_name():
    spaced = replace(PYPI, layout=Layout(Path("/my robot/sam3d")))
    for action in actions_of(spaced, Run):
        assert all(" " not in word or "/my robot/" in word or word.startswith("import") for word in action.command)
