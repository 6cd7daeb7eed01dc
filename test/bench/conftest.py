"""The programs of bench/ import each other by plain names, as scripts do; so do their tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))


@pytest.fixture(scope="session")
def scans(shared_data: Path):
    """The scanned objects; skipped where they are absent."""
    from scanned_scenes import load_objects

    return load_objects(shared_data / "objects_val")
