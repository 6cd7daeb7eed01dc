"""The narrow door between everything around the model and the model itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from .frame import Frame
from .result import Reconstruction, Rejection


class Cancelled(Exception):  # noqa: N818 - an outcome that was asked for, not an error
    """The work was cancelled on request; nothing of it is kept."""


class CancelToken:
    """Set from any thread, looked at by the backend between stages and sampler steps."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise Cancelled once `cancel` was called."""
        if self._event.is_set():
            raise Cancelled


class Detail(Enum):
    """How much memory a reconstruction may take; LOW is tried once after out-of-memory."""

    FULL = "full"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a reconstruction stands; `coarse` comes once, as soon as pose and rough shape are known."""

    label: int
    stage: str
    percent: float  # of this object, 0-100
    coarse: Reconstruction | None = None


ProgressCallback = Callable[[Progress], None]


class Backend(Protocol):
    """A model that completes objects. All calls come from one thread, the one that called `load`.

    `prepare` does what is shared by the masks of a frame; what it returns goes back into `reconstruct` untouched.
    `reconstruct` answers with an object or a rejection; it raises Cancelled between stages when the token says so,
    MemoryError (or torch.OutOfMemoryError) when memory runs out, and anything else only for defects.
    """

    @property
    def name(self) -> str: ...

    def load(self) -> None:
        """Read weights and warm up; raises with a clear message where that is impossible."""

    def prepare(self, frame: Frame) -> Any: ...

    def reconstruct(
        self, prepared: Any, label: int, *, detail: Detail, progress: ProgressCallback, cancel: CancelToken
    ) -> Reconstruction | Rejection: ...

    def drop_caches(self) -> None:
        """Give back what can be given back, after out-of-memory."""

    def unload(self) -> None:
        """Free everything that `load` took."""
