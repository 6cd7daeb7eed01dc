"""The real message_filters, tf2_ros and diagnostic_updater where they are installed, else our stand-ins.

Import them from here: `from .compat import message_filters, tf2_ros, diagnostic_updater`.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from rclpy.impl.rcutils_logger import RcutilsLogger

_NAMES = ("message_filters", "tf2_ros", "diagnostic_updater")


def _pick(name: str) -> ModuleType:
    """The real module, or the stand-in where the real one is not installed.

    A real module that is there but fails to import for another reason raises: a broken installation must be seen.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != name:
            raise
    return import_module(f"{__package__}.standins.{name}")


message_filters = _pick("message_filters")
tf2_ros = _pick("tf2_ros")
diagnostic_updater = _pick("diagnostic_updater")


def is_stand_in(module: ModuleType) -> bool:
    """Whether the module is ours."""
    return module.__name__.startswith(f"{__package__}.standins.")


def describe() -> str:
    """One line: which modules are real and which are stand-ins."""
    kinds = (f"{name} {'stand-in' if is_stand_in(globals()[name]) else 'installed'}" for name in _NAMES)
    return "ROS libraries: " + ", ".join(kinds)


def log_choice(logger: RcutilsLogger) -> None:
    """Say once which modules the node runs with."""
    logger.info(describe())
