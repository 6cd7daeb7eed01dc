"""The choice between installed libraries and stand-ins."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

pytest.importorskip("rclpy", reason="rclpy is missing: run make setup")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is missing: run make setup")

from sam3d_ros.node import compat


def test_an_installed_library_is_preferred(monkeypatch):
    real = ModuleType("message_filters")
    monkeypatch.setitem(sys.modules, "message_filters", real)
    assert compat._pick("message_filters") is real
    assert not compat.is_stand_in(real)


def test_the_stand_in_is_taken_where_nothing_is_installed(monkeypatch):
    monkeypatch.delitem(sys.modules, "diagnostic_updater", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Hide("diagnostic_updater"), *sys.meta_path])
    picked = compat._pick("diagnostic_updater")
    assert compat.is_stand_in(picked)


def test_a_broken_installation_is_not_hidden(monkeypatch):
    monkeypatch.delitem(sys.modules, "tf2_ros", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Hide("tf2_ros", missing="tf2_py"), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="tf2_py"):
        compat._pick("tf2_ros")


def test_the_choice_is_told_in_one_line():
    line = compat.describe()
    assert all(name in line for name in ("message_filters", "tf2_ros", "diagnostic_updater"))
    assert "\n" not in line


class _Hide:
    """An import hook for which one module, or something it needs, is not there."""

    def __init__(self, name, missing=None):
        self.name = name
        self.missing = missing or name

    def find_spec(self, name, path=None, target=None):
        if name == self.name:
            raise ModuleNotFoundError(f"No module named '{self.missing}'", name=self.missing)
