"""The models that can stand behind the pipeline, by name."""

from __future__ import annotations

from .backend import Backend
from .gates import Gates
from .model_options import ModelOptions, OptionsError
from .observation import PrepareConfig

BACKENDS = ("geometric", "sam3d", "fake")
DEFAULT = "sam3d"  # with the weights that the package ships
LEARNED = ("sam3d",)  # those that `ModelOptions` speak to


def create_backend(
    name: str,
    *,
    prepare: PrepareConfig | None = None,
    seed: int = 0,
    triangle_budget: int = 5000,
    model: ModelOptions | None = None,
    gates: Gates | None = None,
) -> Backend:
    """The backend of that name, not loaded yet; its libraries are imported here and not before.

    `model` says which weights a learned backend loads and how it runs, `gates` which answers are let through. Raises
    ValueError for a name that is not in `BACKENDS`, and OptionsError where what a learned one computes with is not
    installed.
    """
    prepare, gates = prepare or PrepareConfig(), gates or Gates()
    if name == "fake":
        from .fake import FakeBackend

        return FakeBackend(prepare=prepare)
    if name == "geometric":
        from .geometric import GeometricBackend, GeometricConfig

        return GeometricBackend(GeometricConfig(prepare, seed=seed, triangle_budget=triangle_budget, gates=gates))
    if name == "sam3d":
        try:
            from .sam3d import Sam3dBackend, Sam3dSettings
        except ModuleNotFoundError as error:
            raise OptionsError(
                f"the backend {name!r} needs {error.name}, which is not installed; `sam3d-ros doctor` says how to get "
                "it, and the backend 'geometric' works without"
            ) from error

        options = model or ModelOptions()
        return Sam3dBackend(Sam3dSettings(options, prepare, seed=seed, triangle_budget=triangle_budget, gates=gates))
    raise ValueError(f"no backend is called {name!r}; there are {', '.join(BACKENDS)}")
