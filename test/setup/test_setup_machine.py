"""What the set-up finds: the route and the interpreter."""

from __future__ import annotations

import json
import os
import sys

import pytest
from sam3d_setup import machine
from sam3d_setup.errors import SetupError
from sam3d_setup.layout import Layout

HERE = sys.version_info[:2]


def test_no_distribution_means_ros_from_pypi():
    assert machine.find_distribution({"PATH": "/usr/bin"}, {}) is None


def test_a_sourced_distribution_is_found_with_its_python_and_packages(fake_distribution):
    _, environment = fake_distribution
    found = machine.find_distribution(environment, {})
    assert found.name == "humble"
    assert found.python_version == HERE
    assert found.packages == {"tf2_msgs"}
    assert "HOME" not in found.environment
    assert found.environment["PYTHONPATH"] == environment["PYTHONPATH"]


def test_an_unsourced_shell_keeps_the_distribution_for_which_the_environment_was_made(fake_distribution):
    _, environment = fake_distribution
    assert machine.find_distribution({}, environment).name == "humble"


def test_a_remembered_distribution_that_was_removed_is_forgotten(fake_distribution):
    prefix, environment = fake_distribution
    prefix.rename(prefix.with_name("gone"))
    assert machine.find_distribution({}, environment) is None


def test_a_name_without_an_installation_is_a_clear_error(tmp_path):
    with pytest.raises(SetupError, match=r"ROS_DISTRO is jazzy.*source /opt/ros/jazzy/setup.bash"):
        machine.find_distribution({"ROS_DISTRO": "jazzy", "AMENT_PREFIX_PATH": str(tmp_path)}, {})


def test_the_remembered_variables_are_read_back(tmp_path):
    layout = Layout(tmp_path)
    assert machine.remembered_environment(layout) == {}
    layout.state.mkdir(parents=True)
    (layout.state / "distribution.json").write_text(json.dumps({"ROS_DISTRO": "humble"}))
    assert machine.remembered_environment(layout) == {"ROS_DISTRO": "humble"}


def test_the_first_interpreter_that_fits_is_taken():
    chosen, version = machine.choose_python(("/nowhere/python3", "/bin/false", sys.executable), [HERE])
    assert version == HERE
    assert machine.probe_python(chosen) == (chosen, HERE)


def test_a_virtual_environment_is_traced_back_to_the_interpreter_it_was_made_from():
    chosen, _ = machine.choose_python((sys.executable,), [HERE])
    assert chosen == os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def test_a_requested_interpreter_of_the_wrong_version_is_refused_with_both_versions():
    with pytest.raises(
        SetupError, match=r"Python 3\.7 is needed and .* is \d\.\d+: install it, or name one with make setup PYTHON="
    ):
        machine.choose_python((sys.executable,), [(3, 7)], requested=sys.executable)


def test_a_requested_interpreter_that_does_not_run_is_named():
    with pytest.raises(SetupError, match="/nowhere/python3 does not run"):
        machine.choose_python(("/nowhere/python3",), [HERE], requested="/nowhere/python3")


def test_what_is_asked_for_is_the_only_candidate(tmp_path):
    assert machine.candidates(Layout(tmp_path), "python3.11") == ("python3.11",)
    assert sys.executable in machine.candidates(Layout(tmp_path), None)


def test_other_processors_than_x86_need_a_distribution(tmp_path, monkeypatch):
    monkeypatch.setattr(machine.platform, "machine", lambda: "aarch64")
    with pytest.raises(SetupError, match="x86_64 only and this is aarch64"):
        machine.look(Layout(tmp_path), {}, None)


def test_beside_a_distribution_they_work(tmp_path, monkeypatch, fake_distribution):
    monkeypatch.setattr(machine.platform, "machine", lambda: "aarch64")
    _, environment = fake_distribution
    found = machine.look(Layout(tmp_path), environment, None)
    assert found.distribution.name == "humble"
    assert found.python_version == HERE
