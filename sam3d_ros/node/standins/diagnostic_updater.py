"""The part of diagnostic_updater that this package uses."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

_PERIOD = "diagnostic_updater.period"
_USE_FQN = "diagnostic_updater.use_fqn"


class DiagnosticStatusWrapper(DiagnosticStatus):
    """A status that is easy to fill."""

    def summary(self, *args: Any) -> None:
        """Set level and message: `summary(level, text)`, or `summary(status)` to take those of another."""
        self.level, message = _level_and_message(args)
        self.message = str(message)

    def clearSummary(self) -> None:
        """OK, without text."""
        self.summary(DiagnosticStatus.OK, "")

    def mergeSummary(self, *args: Any) -> None:
        """Keep the worse level; join the texts where both are fine or both are not."""
        level, message = _level_and_message(args)
        both_fine_or_both_bad = (level > DiagnosticStatus.OK) == (self.level > DiagnosticStatus.OK)
        if both_fine_or_both_bad:
            self.message = "; ".join(text for text in (self.message, message) if text)
        elif level > self.level:
            self.message = message
        self.level = max(level, self.level)

    def add(self, key: str, val: str) -> None:
        """Add a text under a key. Numbers are refused, as the real one fails on them when it publishes."""
        if not isinstance(val, str):
            raise TypeError(f"value of {key!r} must be a string, got {val!r}")
        self.values.append(KeyValue(key=key, value=val))


class DiagnosticTask:
    """Something with a name that fills a status."""

    def __init__(self, name: str) -> None:
        self.name = name

    def getName(self) -> str:
        return self.name

    def run(self, stat: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        """Fill the status and return it."""
        return stat


class FunctionDiagnosticTask(DiagnosticTask):
    """A task that is a function."""

    def __init__(self, name: str, fn: Callable[[DiagnosticStatusWrapper], DiagnosticStatusWrapper]) -> None:
        super().__init__(name)
        self.fn = fn

    def run(self, stat: DiagnosticStatusWrapper) -> DiagnosticStatusWrapper:
        """Call the function."""
        return self.fn(stat)


class Updater:
    """Runs its tasks once a period and publishes what they say on /diagnostics."""

    def __init__(self, node: Node, period: float = 1.0) -> None:
        self.node = node
        self.tasks: list[DiagnosticTask] = []
        self.hwid = ""
        self.lock = threading.Lock()
        self.publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self._period = float(_parameter(node, _PERIOD, period))
        self.node_name = node.get_fully_qualified_name() if _parameter(node, _USE_FQN, False) else node.get_name()
        self.timer = node.create_timer(self._period, self.update)

    @property
    def period(self) -> float:
        """Seconds between two updates."""
        return self._period

    @period.setter
    def period(self, period: float) -> None:
        self._period = period
        self.node.destroy_timer(self.timer)
        self.timer = self.node.create_timer(period, self.update)

    def setHardwareID(self, hwid: str) -> None:
        """What the statuses are about, e.g. the name of the device."""
        self.hwid = hwid

    def add(self, *args: Any) -> None:
        """Add a task: `add(task)` or `add(name, function)`."""
        task = args[0] if len(args) == 1 else FunctionDiagnosticTask(*args)
        with self.lock:
            self.tasks.append(task)
        self._publish([self._status(task, DiagnosticStatus.OK, "Node starting up")])

    def removeByName(self, name: str) -> bool:
        """Remove the first task of that name; False where there is none."""
        with self.lock:
            found = next((task for task in self.tasks if task.getName() == name), None)
            if found is not None:
                self.tasks.remove(found)
        return found is not None

    def update(self) -> None:
        """Run all tasks and publish."""
        with self.lock:
            tasks = list(self.tasks)
        self._publish([task.run(self._status(task, DiagnosticStatus.ERROR, "No message was set")) for task in tasks])

    def force_update(self) -> None:
        """Publish now, without waiting for the period."""
        self.update()

    def broadcast(self, lvl: bytes, msg: str) -> None:
        """Say the same for all tasks, e.g. that the node shuts down."""
        with self.lock:
            tasks = list(self.tasks)
        self._publish([self._status(task, lvl, msg) for task in tasks])

    def _status(self, task: DiagnosticTask, level: bytes, message: str) -> DiagnosticStatusWrapper:
        status = DiagnosticStatusWrapper(name=task.getName(), hardware_id=self.hwid)
        status.summary(level, message)
        return status

    def _publish(self, statuses: list[DiagnosticStatusWrapper]) -> None:
        array = DiagnosticArray()
        array.header.stamp = self.node.get_clock().now().to_msg()
        array.status = [self._plain(status) for status in statuses]
        self.publisher.publish(array)

    def _plain(self, status: DiagnosticStatusWrapper) -> DiagnosticStatus:
        """The publisher takes only the exact class of the message's field."""
        return DiagnosticStatus(
            level=status.level,
            name=f"{self.node_name}: {status.name}",
            message=status.message,
            hardware_id=status.hardware_id,
            values=status.values,
        )


def _parameter(node: Node, name: str, default: Any) -> Any:
    if not node.has_parameter(name):
        node.declare_parameter(name, default)
    return node.get_parameter(name).value


def _level_and_message(args: tuple[Any, ...]) -> tuple[bytes, str]:
    return (args[0].level, args[0].message) if len(args) == 1 else (args[0], args[1])
