"""Asking the backend for one object, and turning everything that can go wrong there into a reason."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ..geometry.sampling import triangle_areas
from ..pipeline import (
    Backend,
    Cancelled,
    CancelToken,
    Detail,
    Frame,
    ProgressCallback,
    Reconstruction,
    Rejection,
    RejectionReason,
)

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_MAX_DETAIL = 300  # characters


@dataclass(frozen=True, slots=True)
class Prepared:
    """What `Backend.prepare` returned for a frame."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the backend could not do something that was asked of it."""

    reason: RejectionReason
    detail: str

    def of(self, label: int) -> Rejection:
        return Rejection(label, self.reason, self.detail)


def prepare(backend: Backend, frame: Frame) -> Prepared | Failure:
    """The shared part of a frame, once more after dropping caches where memory ran out."""
    return _survive(backend, lambda _: Prepared(backend.prepare(frame)))


def reconstruct(
    backend: Backend, prepared: Prepared, label: int, *, progress: ProgressCallback, cancel: CancelToken
) -> Reconstruction | Rejection:
    """One object or the reason why there is none; never raises on behalf of the backend.

    Where memory runs out the caches are dropped and the object is tried once more with low detail.
    """
    if cancel.is_cancelled:
        return Rejection(label, RejectionReason.CANCELLED, "cancelled before its turn came")
    answer = _survive(
        backend,
        lambda detail: backend.reconstruct(prepared.value, label, detail=detail, progress=progress, cancel=cancel),
    )
    return answer.of(label) if isinstance(answer, Failure) else _checked(answer, label)


def _survive(backend: Backend, call: Callable[[Detail], T]) -> T | Failure:
    try:
        return call(Detail.FULL)
    except Exception as error:  # noqa: BLE001 - the border to the model: whatever it raises must not end the worker
        if not is_out_of_memory(error):
            return _failure(error)
        _LOG.warning("out of memory (%s); dropping caches and trying once more with low detail", error)
    try:
        backend.drop_caches()
        return call(Detail.LOW)
    except Exception as error:  # noqa: BLE001 - as above
        return _failure(error)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the host or on the device (torch's own type, known by its name: no import here)."""
    return isinstance(error, MemoryError) or any(
        kind.__name__ in {"OutOfMemoryError", "AcceleratorError"} and "memory" in str(error).lower()
        for kind in type(error).__mro__
    )


def _failure(error: Exception) -> Failure:
    text = f"{type(error).__name__}: {error}"[:_MAX_DETAIL]
    if isinstance(error, Cancelled):
        return Failure(RejectionReason.CANCELLED, "cancelled on request")
    if is_out_of_memory(error):
        return Failure(RejectionReason.OUT_OF_MEMORY, f"{text}; tried again with low detail, ask for fewer triangles")
    _LOG.error("the backend failed", exc_info=error)
    return Failure(RejectionReason.INTERNAL_ERROR, text)


def _checked(answer: object, label: int) -> Reconstruction | Rejection:
    """The answer, or what is wrong with it: a defect of the backend must not reach the robot."""
    if isinstance(answer, Rejection) and answer.label == label:
        return answer
    if not isinstance(answer, Reconstruction):
        return _defect(label, f"the backend answered {answer!r:.100} instead of an object or rejection")
    if answer.label != label:
        return _defect(label, f"the backend answered for label {answer.label}")
    if not triangle_areas(answer.mesh).sum() > 0:
        return _defect(label, f"the backend's mesh has no surface: {len(answer.mesh.triangles)} triangles")
    if answer.covariance.shape != (6, 6) or not np.isfinite(answer.covariance).all():
        return _defect(label, "the backend's covariance is not a finite 6x6 matrix")
    return answer


def _defect(label: int, detail: str) -> Rejection:
    return Rejection(label, RejectionReason.INTERNAL_ERROR, detail)


def is_usable(answer: Reconstruction, label: int) -> bool:
    """Whether a coarse result can be shown."""
    return isinstance(_checked(answer, label), Reconstruction)
