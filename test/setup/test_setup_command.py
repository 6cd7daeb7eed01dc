"""`python3 tools/setup.py` as a command: the rehearsal of both routes, and a Python that does not fit."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "tools" / "setup.py"


def rehearse(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The plan as the user sees it; nothing is done."""
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-S", str(COMMAND), "--plan"]
    return subprocess.run(command, env={**clean, **environment}, capture_output=True, text=True, check=False)


@pytest.mark.skipif((ROOT / ".venv" / "sam3d_setup" / "distribution.json").exists(), reason="set up for a distribution")
def test_the_rehearsal_without_a_distribution_takes_ros_from_pypi():
    answer = rehearse({})
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("ROS 2 from PyPI, Python 3.1")
    assert "requirements-ros.txt" in answer.stdout


def test_the_rehearsal_with_a_distribution_takes_nothing_of_ros_from_pypi(fake_distribution):
    _, environment = fake_distribution
    answer = rehearse(environment)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("ROS 2 humble")
    assert "requirements-ros.txt" not in answer.stdout
    assert "Messages of vision_msgs" in answer.stdout
    assert "Messages of tf2_msgs" not in answer.stdout


def test_a_distribution_that_is_not_there_ends_in_one_line():
    answer = rehearse({"ROS_DISTRO": "rolling"})
    assert answer.returncode == 1
    assert answer.stderr.startswith("set-up: ROS_DISTRO is rolling")
    assert len(answer.stderr.splitlines()) == 1


def test_a_python_that_does_not_fit_says_which_do(monkeypatch):
    names = runpy.run_path(str(COMMAND))
    monkeypatch.setitem(names["go_on_with_a_fitting_python"].__globals__, "NAMES", ("/nowhere/python3",))
    with pytest.raises(SystemExit, match=r"3\.10, 3\.11 or 3\.12 is needed.*make setup PYTHON="):
        names["go_on_with_a_fitting_python"]()
    assert names["fits"](sys.executable)
    assert not names["fits"]("/bin/false")
