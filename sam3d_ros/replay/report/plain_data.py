"""Dataclasses as JSON and back, for results that wait on disk until a report is made of them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from ..frames.results import without_nan

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """A dataclass as what `json` writes; NaN becomes null."""
    return without_nan(dataclasses.asdict(value))


def from_plain(kind: type[T], data: Any) -> T:
    """The dataclass that `to_plain` was given; null where its type asks for a number is NaN.

    Fields are dataclasses, numbers, strings, tuples of one type, mappings from strings, or one of these or None. Raises
    KeyError for a field that the data lack, TypeError for another type.
    """
    value: T = _value(kind, data)
    return value


def _value(kind: Any, data: Any) -> Any:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return kind(**{name: _value(hint, data[name]) for name, hint in _fields(kind)})
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if data is None else _value(next(item for item in arguments if item is not type(None)), data)
    if origin is tuple:
        hints = [arguments[0]] * len(data) if arguments[-1] is Ellipsis else arguments
        return tuple(_value(hint, item) for hint, item in zip(hints, data, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {name: _value(arguments[1], item) for name, item in data.items()}
    return _plain(kind, data)


def _plain(kind: type, data: Any) -> Any:
    if kind is float:
        return float("nan") if data is None else float(data)
    if kind in (int, str, bool) and type(data) is kind:
        return data
    raise TypeError(f"expected {kind}, got {data!r}")


@cache
def _fields(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((item.name, hints[item.name]) for item in dataclasses.fields(kind) if item.init)
