"""The set-up tool lies outside the package: make it importable."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))


@pytest.fixture
def fake_distribution(tmp_path):
    """A folder that looks like an installed ROS 2 distribution, and the variables of a shell that sourced it."""
    prefix = tmp_path / "opt" / "ros" / "humble"
    version = "python{}.{}".format(*sys.version_info[:2])
    (prefix / "local" / "lib" / version / "dist-packages" / "rclpy").mkdir(parents=True)
    (prefix / "share" / "tf2_msgs").mkdir(parents=True)
    (prefix / "share" / "tf2_msgs" / "package.xml").write_text("<package/>")
    environment = {
        "ROS_DISTRO": "humble",
        "AMENT_PREFIX_PATH": str(prefix),
        "LD_LIBRARY_PATH": str(prefix / "lib"),
        "PYTHONPATH": str(prefix / "local" / "lib" / version / "dist-packages"),
        "HOME": "/nobody",
    }
    return prefix, environment
