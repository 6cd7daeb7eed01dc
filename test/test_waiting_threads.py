"""Waiting threads give their core away, unless the user said how threads wait; before torch is there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sam3d_ros.waiting_threads import wait_briefly

SPINS, POLICY = "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    for name in (SPINS, POLICY):
        monkeypatch.setenv(name, "unset")  # so that what the test sets is taken back as well
        monkeypatch.delenv(name)


def test_threads_wait_briefly(monkeypatch):
    wait_briefly()
    assert int(os.environ[SPINS]) < 10_000
    assert POLICY not in os.environ


@pytest.mark.parametrize(("name", "value"), [(SPINS, "200000"), (POLICY, "ACTIVE")])
def test_what_the_user_said_stays(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    wait_briefly()
    assert {key: os.environ.get(key) for key in (SPINS, POLICY)} == {SPINS: None, POLICY: None, name: value}


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("sam3d_ros.cli", ["weights", "inspect", "/nowhere"]), ("sam3d_ros.node.main", ["--ros-args", "-p", "wrong"])],
    ids=["command", "node"],
)
def test_it_is_said_before_torch_is_there(module, arguments):
    if module.startswith("sam3d_ros.node"):
        pytest.importorskip("rclpy")
    script = f"""
import os, sys
from {module} import main
assert "torch" not in sys.modules
assert main({arguments}) == 2
assert "{SPINS}" in os.environ
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
