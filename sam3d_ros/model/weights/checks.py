"""Tensors as found compared with tensors as expected, said in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import WeightsError

_LISTED = 20  # of each kind and file; a wrong file has thousands

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """What is wrong with the tensors of one file."""

    file: str
    expected: int  # tensors that the file must have
    missing: tuple[tuple[str, Shape], ...]  # key, expected shape
    unexpected: tuple[tuple[str, Shape], ...]  # key, found shape
    misshapen: tuple[tuple[str, Shape, Shape], ...]  # key, expected shape, found shape

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        """One line that names file, keys and shapes."""
        parts = [
            _listing("missing", [f"{key} (expected {shape_text(shape)})" for key, shape in self.missing]),
            _listing("unexpected", [f"{key} (found {shape_text(shape)})" for key, shape in self.unexpected]),
            _listing(
                "wrongly shaped",
                [f"{key} (expected {shape_text(a)}, found {shape_text(b)})" for key, a, b in self.misshapen],
            ),
        ]
        return f"{self.file} ({self.expected} keys expected): {'; '.join(filter(None, parts))}"


def differences(file: str, expected: Mapping[str, Shape], found: Mapping[str, Shape]) -> Differences:
    """Compare names and shapes; truthy when anything differs."""
    return Differences(
        file,
        len(expected),
        missing=tuple((key, shape) for key, shape in expected.items() if key not in found),
        unexpected=tuple((key, shape) for key, shape in found.items() if key not in expected),
        misshapen=tuple(
            (key, shape, found[key]) for key, shape in expected.items() if key in found and found[key] != shape
        ),
    )


def refuse_differences(found: Iterable[Differences], remedy: str) -> None:
    """Raise WeightsError with everything that differs in any file, and the remedy."""
    wrong = [str(difference) for difference in found if difference]
    if wrong:
        raise WeightsError(f"weights do not fit the model: {' | '.join(wrong)}. {remedy}")


def refuse_not_finite(file: str, key: str, tensor: Tensor) -> None:
    """Raise WeightsError when a weight is NaN or infinite."""
    finite = torch.isfinite(tensor)
    if not bool(finite.all()):
        bad = int((~finite).sum())
        raise WeightsError(
            f"{file}: {key}: {bad} of {tensor.numel()} weights are NaN or infinite; get the file again from its source"
        )


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, Shape]:
    """Name -> shape."""
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def shape_text(shape: Shape) -> str:
    """As `1024x256`; `scalar` for a tensor without axes."""
    return "x".join(map(str, shape)) or "scalar"


def _listing(what: str, entries: list[str]) -> str:
    more = f" and {len(entries) - _LISTED} more" if len(entries) > _LISTED else ""
    return f"{len(entries)} {what}: {', '.join(entries[:_LISTED])}{more}" if entries else ""
