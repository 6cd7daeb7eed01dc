"""The work functions lie in a module beside the tests, which workers find because they look where we do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def markers(tmp_path):
    """Where works leave a note of each time they run."""
    folder = tmp_path / "markers"
    folder.mkdir()
    return folder


@pytest.fixture
def output(tmp_path):
    """The folder of a run."""
    return tmp_path / "out"
