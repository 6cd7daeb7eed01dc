"""Fixtures of the node tests. The rig itself is in node_rig.py, which only machines with ROS can import."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sam3d_ros.pipeline.fake import FakeConfig


@pytest.fixture(scope="session")
def messages() -> ModuleType:
    """The module node_rig: pictures, makers of messages."""
    return _load_neighbour("node_rig")


@pytest.fixture(scope="session")
def interfaces() -> ModuleType:
    """The module node_interface: what a running node offers and reads."""
    return _load_neighbour("node_interface")


def _load_neighbour(name: str) -> ModuleType:
    """A module of this folder that needs ROS. Test modules cannot import from beside themselves."""
    pytest.importorskip("rclpy", reason="rclpy is not installed: node tests need ROS 2")
    pytest.importorskip("sam3d_ros.msg", reason="the messages of this package are not built: run make setup")
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def ros(messages: ModuleType) -> Iterator[None]:
    """One rclpy context for all node tests."""
    import rclpy

    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture
def make_rig(ros: None, messages: ModuleType) -> Iterator[Callable[..., Any]]:
    """Makes nodes with a fake backend; keyword arguments are parameters, `fake` the backend's behaviour."""
    rigs: list[Any] = []

    def make(fake: FakeConfig | None = None, *, factory: Callable[..., Any] | None = None, **parameters: Any) -> Any:
        parameters = {"diagnostic_updater.period": 0.2, **parameters}
        rigs.append(messages.Rig(fake or FakeConfig(), parameters, factory=factory))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[..., Any]) -> Any:
    """An active node with a fake backend and default parameters."""
    return make_rig().up()
