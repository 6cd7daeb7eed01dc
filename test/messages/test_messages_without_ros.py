"""What the replay of bags shares with the node must import without ROS."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHARED = (
    "sam3d_ros.pipeline.decode",
    "sam3d_ros.pipeline.matching",
    "sam3d_ros.geometry.transform_tree",
    "sam3d_ros.messages.cdr",
    "sam3d_ros.messages.marker_data",
    "sam3d_ros.messages.markers",
)
PROGRAM = """
import importlib, sys
class NoRos:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "rclpy" or name.split(".")[0].endswith("_msgs"):
            raise ImportError(f"{name} is ROS")
sys.meta_path.insert(0, NoRos())
importlib.import_module(sys.argv[1])
"""


@pytest.mark.parametrize("module", SHARED)
def test_shared_modules_import_no_ros(module):
    done = subprocess.run([sys.executable, "-c", PROGRAM, module], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_check_itself_notices_ros():
    program = [sys.executable, "-c", PROGRAM, "sam3d_ros.node.builders.common"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert "is ROS" in done.stderr
