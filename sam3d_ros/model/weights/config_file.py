"""The sizes of a model as JSON."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from ..config import Sam3dConfig
from .errors import WeightsError


def config_to_json(config: Sam3dConfig) -> dict[str, Any]:
    """Nested dicts of numbers."""
    return dataclasses.asdict(config)


def config_from_json(content: object) -> Sam3dConfig:
    """The config that was written; WeightsError names a field that is unknown, absent or of another type."""
    return typing.cast(Sam3dConfig, _build(Sam3dConfig, content, "config"))


def _build(wanted: Any, value: object, where: str) -> Any:
    """`value` as the annotated type `wanted`: a dataclass, a tuple of numbers, a number, or one of these or None."""
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        (wanted,) = (option for option in typing.get_args(wanted) if option is not types.NoneType)
        return None if value is None else _build(wanted, value, where)
    if dataclasses.is_dataclass(wanted):
        return _build_dataclass(wanted, value, where)
    if typing.get_origin(wanted) is tuple and isinstance(value, list | tuple):
        return tuple(_build(typing.get_args(wanted)[0], item, where) for item in value)
    if wanted is float and type(value) in (int, float):
        return float(typing.cast(float, value))
    if wanted in (int, bool) and type(value) is wanted:
        return value
    raise WeightsError(f"{where} is {value!r}, expected {getattr(wanted, '__name__', wanted)}")


def _build_dataclass(wanted: Any, value: object, where: str) -> Any:
    kinds = typing.get_type_hints(wanted)
    if not isinstance(value, dict) or value.keys() != kinds.keys():
        found = sorted(value) if isinstance(value, dict) else value
        raise WeightsError(f"{where} has the fields {found!r}, expected {sorted(kinds)}")
    return wanted(**{name: _build(kind, value[name], f"{where}.{name}") for name, kind in kinds.items()})
