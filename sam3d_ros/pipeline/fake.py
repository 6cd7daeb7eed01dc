"""A backend without a model: instant, deterministic, and able to fail in every way a real one can."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3
from ..geometry.box_mesh import box_mesh
from .backend import CancelToken, Detail, Progress, ProgressCallback
from .frame import Frame
from .observation import PrepareConfig, check_mask, depth_in_range
from .result import Quality, Reconstruction, Rejection, RejectionReason

_DELAY_STEP_S = 0.005
# Object z up, x to the right, y away from a camera that is held upright; columns are the object's axes.
_UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True, slots=True)
class FakeConfig:
    """How the fake behaves; by default it answers every mask at once with a box."""

    delay_s: float = 0.0  # of each reconstruction, half of it before the coarse result; cancelled on request
    box_cells: int = 1  # per box edge; the mesh has 12 * box_cells**2 triangles
    raise_labels: frozenset[int] = frozenset()  # RuntimeError, as a defect would
    oom_once_labels: frozenset[int] = frozenset()  # MemoryError at the label's first call
    oom_labels: frozenset[int] = frozenset()  # MemoryError at every call
    hang_labels: frozenset[int] = frozenset()  # deaf to cancel until hang_s is over or `release` is called
    hang_s: float = 60.0
    reject_labels: Mapping[int, RejectionReason] = field(default_factory=dict)
    fail_load: bool = False
    fail_prepare: bool = False


class FakeBackend:
    """Backend that makes a closed, coloured box of the size and place of the visible points.

    It holds its caller to the contract: a call before `load`, after `unload` or from another thread than that of `load`
    is a RuntimeError. `calls` counts the calls by method name and `label_calls` the reconstructions by label.
    """

    name = "fake"

    def __init__(self, config: FakeConfig | None = None, *, prepare: PrepareConfig | None = None) -> None:
        self.config = config or FakeConfig()
        self.calls: Counter[str] = Counter()
        self.label_calls: Counter[int] = Counter()
        self._prepare_config = prepare or PrepareConfig()
        self._owner: int | None = None
        self._released = threading.Event()

    def load(self) -> None:
        self.calls["load"] += 1
        if self.config.fail_load:
            raise RuntimeError("the fake backend was told not to load (fail_load)")
        self._owner = threading.get_ident()

    def prepare(self, frame: Frame) -> Frame:
        self._enter("prepare")
        if self.config.fail_prepare:
            raise RuntimeError("the fake backend was told not to prepare (fail_prepare)")
        return frame

    def reconstruct(
        self, prepared: Frame, label: int, *, detail: Detail, progress: ProgressCallback, cancel: CancelToken
    ) -> Reconstruction | Rejection:
        """A box, coarse and then complete; `detail` does not matter to a box."""
        self._enter("reconstruct")
        self.label_calls[label] += 1
        cancel.raise_if_cancelled()
        self._misbehave(label)
        if reason := self.config.reject_labels.get(label):
            return Rejection(label, reason, "the fake backend was told to reject this label")
        start = time.perf_counter()
        points = self._points(prepared, label)
        if isinstance(points, Rejection):
            return points
        self._sleep(self.config.delay_s / 2, cancel)
        color = np.median(prepared.color[prepared.labels == label], axis=0)
        coarse = _box_object(label, points, color=color, cells=1, start=start, coarse=True)
        progress(Progress(label, "coarse", 50.0, coarse))
        self._sleep(self.config.delay_s / 2, cancel)
        result = _box_object(label, points, color=color, cells=self.config.box_cells, start=start, coarse=False)
        progress(Progress(label, "mesh", 100.0))
        return result

    def drop_caches(self) -> None:
        self._enter("drop_caches")

    def unload(self) -> None:
        self._enter("unload")
        self._owner = None

    def release(self) -> None:
        """Let hanging reconstructions go on; from any thread."""
        self._released.set()

    def _enter(self, method: str) -> None:
        if self._owner is None:
            raise RuntimeError(f"{method} was called on a backend that is not loaded; call load first")
        if self._owner != threading.get_ident():
            raise RuntimeError(f"{method} was called from another thread than load; a backend has one thread for life")
        self.calls[method] += 1

    def _misbehave(self, label: int) -> None:
        if label in self.config.raise_labels:
            raise RuntimeError(f"the fake backend was told to fail at label {label}")
        first = label in self.config.oom_once_labels and self.label_calls[label] == 1
        if first or label in self.config.oom_labels:
            raise MemoryError(f"the fake backend was told to run out of memory at label {label}")
        if label in self.config.hang_labels:
            self._released.wait(self.config.hang_s)

    def _points(self, frame: Frame, label: int) -> NDArray[np.float64] | Rejection:
        mask = check_mask(frame, label, self._prepare_config)
        if isinstance(mask, Rejection):
            return mask
        points = frame.pointmap[depth_in_range(frame, mask, self._prepare_config)].astype(np.float64)
        needed = self._prepare_config.min_depth_points
        if len(points) < needed:
            detail = f"{len(points)} points within the depth limits, min_depth_points is {needed}"
            return Rejection(label, RejectionReason.TOO_FEW_DEPTH_POINTS, detail)
        return points

    @staticmethod
    def _sleep(seconds: float, cancel: CancelToken) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            cancel.raise_if_cancelled()
            time.sleep(min(left, _DELAY_STEP_S))
        cancel.raise_if_cancelled()


def _box_object(
    label: int, points: NDArray[np.float64], *, color: NDArray[np.float64], cells: int, start: float, coarse: bool
) -> Reconstruction:
    centre, extents = _robust_box(points)
    quality, covariance = _measure(points, centre, extents)
    return Reconstruction(
        label=label,
        mesh=box_mesh(extents, color=color, cells=cells),
        T_cam_obj=SE3.from_rotation(_UPRIGHT, centre),
        scale=float(extents.max()),
        quality=quality,
        covariance=covariance,
        latency_ms={"fake": (time.perf_counter() - start) * 1e3},
        coarse=coarse,
    )


def _robust_box(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre in the camera frame and extents along the object's axes of a box around most of the points.

    Points that are farther from the median than three times the usual distance (stray depth) do not count. What is
    behind the visible side is not known: the box is at least half as deep as it is wide or high.
    """
    offsets = np.abs(points - np.median(points, axis=0))
    near = (offsets <= 3 * np.median(offsets, axis=0) + 0.01).all(axis=1)
    lower, upper = (
        np.quantile(points[near], [0.02, 0.98], axis=0) if near.any() else np.quantile(points, [0, 1], axis=0)
    )
    size = np.maximum(upper - lower, 1e-3)
    size[2] = max(size[2], min(size[0], size[1]) / 2)
    centre = (lower + upper) / 2
    centre[2] = lower[2] + size[2] / 2
    return centre, size[[0, 2, 1]]


def _measure(
    points: NDArray[np.float64], centre: NDArray[np.float64], extents: NDArray[np.float64]
) -> tuple[Quality, NDArray[np.float64]]:
    """Distance of the points from the box surface, and a covariance that says as much."""
    half = extents / 2
    q = np.abs((points - centre) @ _UPRIGHT) - half
    outside = np.linalg.norm(np.maximum(q, 0), axis=1)
    distance = np.abs(outside + np.minimum(q.max(axis=1), 0))
    inliers = distance < 0.1 * extents.max()
    rms = float(np.sqrt(np.mean(distance[inliers] ** 2))) if inliers.any() else float("nan")
    sigma = max(rms, 1e-3) if inliers.any() else float(extents.max())
    covariance = np.diag([sigma**2] * 3 + [(sigma / half.max()) ** 2] * 3)
    return Quality(residual_rms=rms, inlier_ratio=float(inliers.mean()), depth_points=len(points)), covariance
