"""Fixtures of every test: the data folder beside the checkout, and a DDS domain of our own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sam3d_ros.waiting_threads import wait_briefly

# Before anything imports torch: tests share their machine with others.
wait_briefly()
# Before anything imports rclpy: tests must neither hear nor disturb a robot, nor a test run beside this one.
os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with scanned objects and real frames; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder ../shared/data beside the checkout is absent: no scanned objects, no real frames")
    return SHARED_DATA


@pytest.fixture(scope="session")
def real_frames(shared_data: Path) -> list[Path]:
    """The real RGB-D frame folders."""
    return sorted(
        folder
        for folder in (shared_data / "rgbd_real").iterdir()
        if (folder / "color.png").exists() or (folder / "color.jpg").exists()
    )
