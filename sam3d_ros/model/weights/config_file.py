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
    """The config that was written; WeightsError names a field that is unknown or of another type.

    A field that is absent was added after the file was written: its default is what held before.
    """
    return typing.cast(Sam3dConfig, _build(Sam3dConfig, content, "config"))


def _build(wanted: Any, value: object, where: str) -> Any:
    """`value` as the annotated type `wanted`: a dataclass, numbers, a choice of words, or None where it may be."""
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        (wanted,) = (option for option in typing.get_args(wanted) if option is not types.NoneType)
        return None if value is None else _build(wanted, value, where)
    if dataclasses.is_dataclass(wanted):
        return _build_dataclass(wanted, value, where)
    if typing.get_origin(wanted) is tuple and isinstance(value, list | tuple):
        return tuple(_build(typing.get_args(wanted)[0], item, where) for item in value)
    if typing.get_origin(wanted) is typing.Literal and value in typing.get_args(wanted):
        return value
    if wanted is float and type(value) in (int, float):
        return float(typing.cast(float, value))
    if wanted in (int, bool) and type(value) is wanted:
        return value
    raise WeightsError(f"{where} is {value!r}, expected {getattr(wanted, '__name__', wanted)}")


def _build_dataclass(wanted: Any, value: object, where: str) -> Any:
    kinds = typing.get_type_hints(wanted)
    if not isinstance(value, dict):
        raise WeightsError(f"{where} is {value!r}, expected named fields")
    unknown = sorted(value.keys() - kinds.keys())
    if unknown:
        raise WeightsError(f"{where} has the fields {unknown}, which this version of sam3d_ros does not know")
    return wanted(**{name: _build(kinds[name], child, f"{where}.{name}") for name, child in value.items()})
