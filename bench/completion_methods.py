"""The ways to complete an object that the benchmark compares, each asked for all objects of a frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sam3d_ros.geometry import Mesh
from sam3d_ros.pipeline import CancelToken, Detail, Frame, Reconstruction, Rejection
from sam3d_ros.pipeline.backends import create_backend
from sam3d_ros.pipeline.finish import convex_hull
from sam3d_ros.pipeline.model_options import ModelOptions, Sampling
from sam3d_ros.pipeline.observation import PrepareConfig, observe

Points = NDArray[np.float64]
TRIANGLES = 5000  # budget of a finished mesh


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a method makes of one mask, in the camera optical frame."""

    label: int
    mesh: Mesh | None = None
    points: Points | None = None  # [N, 3] m, of a method that gives points and no surface
    up: tuple[float, float, float] = (0.0, -1.0, 0.0)  # against gravity, as the method sees it
    rejected: str = ""  # reason and detail, where there is neither
    milliseconds: float = float("nan")  # from the frame, whose preparation its objects share, to the answer


class Method(Protocol):
    """A named way to answer the masks of a frame."""

    @property
    def name(self) -> str: ...

    def answer(self, frame: Frame, labels: Iterable[int]) -> list[Answer]: ...


@dataclass(frozen=True, slots=True)
class PointsMethod:
    """Depth as it was measured, or its convex hull; all of it, or what is left without stray depth."""

    name: str
    clean: bool
    hull: bool

    def answer(self, frame: Frame, labels: Iterable[int]) -> list[Answer]:
        return [self._answer(frame, label) for label in labels]

    def _answer(self, frame: Frame, label: int) -> Answer:
        start = time.perf_counter()
        points = self._points(frame, label)
        if isinstance(points, Rejection):
            return Answer(label, rejected=_why(points))
        if not self.hull:
            return Answer(label, points=points, milliseconds=_since(start))
        vertices, triangles = convex_hull(points)
        mesh = Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.full((len(vertices), 3), 160, np.uint8))
        return Answer(label, mesh=mesh, milliseconds=_since(start))

    def _points(self, frame: Frame, label: int) -> Points | Rejection:
        seen = observe(frame, label, PrepareConfig())
        if isinstance(seen, Rejection) or self.clean:
            return seen if isinstance(seen, Rejection) else seen.points
        points = frame.pointmap[frame.labels == label].astype(np.float64)
        return points[np.isfinite(points).all(axis=1)]


class BackendMethod:
    """A backend of the pipeline, loaded and warm."""

    def __init__(self, name: str, backend: str, model: ModelOptions | None = None, *, seed: int = 0) -> None:
        self.name = name
        self._backend = create_backend(backend, seed=seed, triangle_budget=TRIANGLES, model=model)
        self._backend.load()
        self._warm = False

    def answer(self, frame: Frame, labels: Iterable[int]) -> list[Answer]:
        """The answers to all labels; the first frame of all is done twice, because first calls are slow."""
        labels = list(labels)
        if not self._warm and labels:
            self._warm = True
            self._ask(self._backend.prepare(frame), labels[0])
        start = time.perf_counter()
        prepared = self._backend.prepare(frame)
        shared = _since(start) / max(len(labels), 1)
        return [self._timed(prepared, label, shared) for label in labels]

    def _timed(self, prepared: object, label: int, shared: float) -> Answer:
        start = time.perf_counter()
        result = self._ask(prepared, label)
        milliseconds = shared + _since(start)
        if isinstance(result, Rejection):
            return Answer(label, rejected=_why(result), milliseconds=milliseconds)
        x, y, z = (float(value) for value in result.T_cam_obj.rotation[:, 2])
        mesh = result.mesh.transformed(result.T_cam_obj)
        return Answer(label, mesh=mesh, up=(x, y, z), milliseconds=milliseconds)

    def _ask(self, prepared: object, label: int) -> Reconstruction | Rejection:
        return self._backend.reconstruct(
            prepared, label, detail=Detail.FULL, progress=lambda _: None, cancel=CancelToken()
        )


MethodMaker = Callable[[], Method]


def _points_methods(*methods: PointsMethod) -> dict[str, MethodMaker]:
    return {method.name: lambda method=method: method for method in methods}


# By the names under which the benchmark is asked for them.
BASELINES: dict[str, dict[str, MethodMaker]] = {
    "visible": _points_methods(
        PointsMethod("visible points", clean=True, hull=False),
        PointsMethod("all depth in the mask", clean=False, hull=False),
    ),
    "hull": _points_methods(
        PointsMethod("hull of visible points", clean=True, hull=True),
        PointsMethod("hull of all depth in the mask", clean=False, hull=True),
    ),
    "geometric": {"geometric": lambda: BackendMethod("geometric", "geometric")},
}
METHODS = (*BASELINES, "sam3d")


def sam3d_name(weights: str, steps: int) -> str:
    """How a row of the learned model is called."""
    return f"{weights}, {steps} step{'s' if steps > 1 else ''}"


def sam3d_makers(
    weights: Sequence[tuple[str, Path]],
    steps: Sequence[int],
    *,
    device: str = "cpu",
    seed: int = 0,
    refine: bool = False,
) -> dict[str, MethodMaker]:
    """One method for each folder of weights and number of steps, without guidance; by name.

    With `refine` the second stage of the weights works as well.
    """
    makers: dict[str, MethodMaker] = {}
    for name, folder in weights:
        for count in steps:
            options = ModelOptions(folder, device=device, sampling=Sampling.FAST, steps=count, refine=refine)
            title = sam3d_name(name, count) + (", refined" if refine else "")
            makers[title] = lambda title=title, options=options: BackendMethod(title, "sam3d", options, seed=seed)
    return makers


def _why(rejection: Rejection) -> str:
    return f"{rejection.reason.value}: {rejection.detail}"


def _since(start: float) -> float:
    return 1e3 * (time.perf_counter() - start)
