"""Settings of a training run, read from YAML."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from .errors import TrainingError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OptimiserSettings:
    """AdamW, and how its rate goes over the steps."""

    rate: float = 6e-4  # at its peak
    warm_up: int = 300  # steps
    last_rate: float = 0.02  # share of the peak at the end of the cosine
    betas: tuple[float, ...] = (0.9, 0.95)
    decay: float = 0.02  # of matrices and convolutions only
    clip: float = 1.0  # largest norm of the gradient
    average: float = 0.999  # decay of the moving average of the weights


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What every stage needs to be told."""

    steps: int = 10_000
    batch: int = 64  # samples of one step, of all processes and accumulated parts together
    accumulate: int = 1  # parts in which a process works through its share of the batch
    seed: int = 0
    workers: int = 2  # that prepare batches, per process
    save_every: float = 60.0  # seconds
    log_every: int = 20  # steps
    picture_every: int = 500  # steps
    precision: str = "auto"  # auto: bf16 where the device has it; or 32-true, bf16-mixed
    compiled: bool = False  # torch.compile of the objective
    optimiser: OptimiserSettings = field(default_factory=OptimiserSettings)


def read_settings(path: Path | None, kind: type[T], changes: typing.Mapping[str, str] | None = None) -> T:
    """The YAML file as a frozen dataclass; `changes` replace fields by dotted name, as on the command line.

    Fields that are not named, and all without a file, have the defaults of `kind`. Raises TrainingError with the
    field's name where one is unknown or of another type.
    """
    given = {} if path is None else _content(path)
    default = dataclasses.asdict(typing.cast(Any, kind)())
    for name, text in (changes or {}).items():
        _put(given, name, yaml.safe_load(text))
    where = "settings" if path is None else str(path)
    return typing.cast(T, build(kind, _merged(default, given, where), where))


def build(wanted: Any, value: object, where: str) -> Any:
    """`value` as the annotated type: a dataclass, a tuple of numbers, a number, a word, or None where it may."""
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        (wanted,) = (option for option in typing.get_args(wanted) if option is not types.NoneType)
        return None if value is None else build(wanted, value, where)
    if dataclasses.is_dataclass(wanted):
        return _dataclass(wanted, value, where)
    if typing.get_origin(wanted) is tuple and isinstance(value, list | tuple):
        return tuple(build(typing.get_args(wanted)[0], item, where) for item in value)
    if typing.get_origin(wanted) is typing.Literal and value in typing.get_args(wanted):
        return value
    if wanted is float and (number := _number(value)) is not None:
        return number
    if wanted in (int, bool, str) and type(value) is wanted:
        return value
    raise TrainingError(f"{where} is {value!r}, expected {getattr(wanted, '__name__', wanted)}")


def _number(value: object) -> float | None:
    """A number as YAML means it, and also as `6e-4`, which YAML 1.1 takes for a word as it has no point."""
    if type(value) is str and "e" in value.lower():
        try:
            return float(value)
        except ValueError:
            return None
    return float(typing.cast(float, value)) if type(value) in (int, float) else None


def _dataclass(wanted: Any, value: object, where: str) -> Any:
    kinds = typing.get_type_hints(wanted)
    if not isinstance(value, dict) or not value.keys() <= kinds.keys():
        found = sorted(str(key) for key in value if key not in kinds) if isinstance(value, dict) else value
        raise TrainingError(f"{where}: {found!r} is not known; the fields are {', '.join(kinds)}")
    return wanted(**{name: build(kinds[name], item, f"{where}: {name}") for name, item in value.items()})


def _content(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise TrainingError(f"{path}: {error}") from error
    if not isinstance(content or {}, dict):
        raise TrainingError(f"{path}: {content!r} is not known; write fields and their values")
    return content or {}


def _merged(default: dict[str, Any], given: dict[str, Any], where: str) -> dict[str, Any]:
    """The defaults with what is given in their place, field by field also where fields have fields."""
    unknown = sorted(str(name) for name in given if name not in default)
    if unknown:
        raise TrainingError(f"{where}: {', '.join(unknown)}: not known; the fields are {', '.join(default)}")
    return default | {
        name: _merged(default[name], value, f"{where}: {name}")
        if isinstance(default[name], dict) and isinstance(value, dict)
        else value
        for name, value in given.items()
    }


def _put(content: dict[str, Any], name: str, value: object) -> None:
    *outer, last = name.split(".")
    for key in outer:
        content = content.setdefault(key, {})
    content[last] = value
