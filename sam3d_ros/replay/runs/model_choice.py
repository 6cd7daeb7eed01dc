"""What completes objects in a run, as something that can be sent to other processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from ...pipeline.backend import Backend
from ...pipeline.backends import create_backend
from ...pipeline.model_options import ModelOptions


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A backend with its options."""

    backend: str
    seed: int = 0
    triangle_budget: int = 20000
    options: ModelOptions = field(default_factory=ModelOptions)


def load_backend(choice: ModelChoice) -> Backend:
    """The backend, loaded; raises OptionsError where its weights cannot be used."""
    backend = create_backend(
        choice.backend, seed=choice.seed, triangle_budget=choice.triangle_budget, model=choice.options
    )
    backend.load()
    return backend


@lru_cache(maxsize=1)
def kept_backend(choice: ModelChoice) -> Backend:
    """The same, loaded once in each process and never unloaded, for one task after another."""
    return load_backend(choice)
