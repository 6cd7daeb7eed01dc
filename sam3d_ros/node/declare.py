"""Declares the parameters with their descriptors, and keeps the checked value of all of them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException, ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter

from .parameters import ParameterError, Parameters, ParameterSpec, parameter_specs


class ParameterServer:
    """The node's declared parameters. `current` is always a complete, valid set.

    A value that is refused at the start is kept in `faults` and the default takes its place, so that the node stands
    and can say what is wrong; configuring fails until the faults are mended.
    """

    def __init__(self, node: Node, *, is_configured: Callable[[], bool]) -> None:
        self._node = node
        self._is_configured = is_configured
        self._specs = {spec.name: spec for spec in parameter_specs()}
        self.faults: dict[str, str] = {}
        for spec in self._specs.values():
            self._declare(spec)
        self.current = Parameters.from_values({})
        self._read_all()
        node.add_on_set_parameters_callback(self._on_set)

    def _declare(self, spec: ParameterSpec) -> None:
        descriptor = describe(spec)
        try:
            self._node.declare_parameter(spec.name, spec.default, descriptor)
        except (InvalidParameterTypeException, InvalidParameterValueException, ParameterException) as error:
            self.faults[spec.name] = f"{spec.name} was refused: {error}"
            self._node.declare_parameter(spec.name, spec.default, descriptor, ignore_override=True)

    def _read_all(self) -> None:
        values = {name: self._node.get_parameter(name).value for name in self._specs}
        for name, value in values.items():
            try:
                self._specs[name].check(value)
            except ParameterError as error:
                self.faults[name] = str(error)
        try:
            self.current = Parameters.from_values({n: v for n, v in values.items() if n not in self.faults})
        except ParameterError as error:
            self.faults["together"] = str(error)

    def _on_set(self, changes: Sequence[Parameter[Any]]) -> SetParametersResult:
        """Refuse with the reason, or take the change over."""
        ours = {change.name: change.value for change in changes if change.name in self._specs}
        if not ours:
            return SetParametersResult(successful=True)
        try:
            self._check_moment(ours)
            values = {name: getattr(self.current, name) for name in self._specs}
            self.current = Parameters.from_values(values | ours)
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        for name in [*ours, "together"]:
            self.faults.pop(name, None)
        return SetParametersResult(successful=True)

    def _check_moment(self, changes: dict[str, object]) -> None:
        for name, value in changes.items():
            fixed = self._specs[name].changeable == "unconfigured" and self._is_configured()
            if fixed and value != getattr(self.current, name):
                raise ParameterError(f"{name} can change only while the node is unconfigured: clean it up first")


def describe(spec: ParameterSpec) -> ParameterDescriptor:
    """The descriptor that `ros2 param describe` shows and rclpy enforces."""
    descriptor = ParameterDescriptor(name=spec.name, description=_text(spec), read_only=spec.changeable == "never")
    if spec.choices:
        descriptor.additional_constraints = f"one of: {', '.join(map(str, spec.choices))}"
    if spec.range is not None and spec.kind == "double":
        descriptor.floating_point_range = [FloatingPointRange(from_value=spec.range[0], to_value=spec.range[1])]
    elif spec.range is not None:
        descriptor.integer_range = [IntegerRange(from_value=int(spec.range[0]), to_value=int(spec.range[1]))]
    return descriptor


def _text(spec: ParameterSpec) -> str:
    unit = f" [{spec.unit}]" if spec.unit else ""
    fixed = " Changes only while the node is unconfigured." if spec.changeable == "unconfigured" else ""
    return f"{spec.description}{unit}{fixed}"
