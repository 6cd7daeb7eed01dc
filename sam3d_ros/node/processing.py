"""What the worker does with a frame: decode, look the transform up, follow and reconstruct, publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from ..geometry import SE3
from ..pipeline import CancelToken, Frame, FrameError, ProgressCallback, Rejection, RejectionReason
from ..pipeline.decode import InputError
from ..pipeline.frame_messages import FrameMessages, decode_frame
from ..tracking import SceneObject, SceneUpdate, UpdateCallback
from ..tracking.tracker import SceneTracker
from .outputs import OutputFrame, Outputs
from .parameters import Parameters
from .statistics import Statistics
from .transforms import TransformMissingError, TransformSource
from .watched_backend import WatchedBackend


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of one frame."""

    reconstruct: Literal["new", "none", "all"] = "new"
    labels: tuple[int, ...] | None = None  # None: every mask
    on_update: UpdateCallback | None = None
    on_progress: ProgressCallback | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the processor shares with the rest of the node."""

    parameters: Callable[[], Parameters]
    outputs: Outputs
    transforms: TransformSource | None  # None: poses stay in the camera frame
    statistics: Statistics


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    frame: Frame
    T_ref_cam: SE3 | None
    output_frame: OutputFrame


class FrameProcessor:
    """Owns model and object table. Everything but `cancel`, `abandon` and the properties is the worker's alone.

    Messages are published from here, the worker's thread: rcl_publish may be called from any thread, and each
    publisher has only this one caller, so that the order of what goes out is the order in which it was made.
    """

    def __init__(self, backend: WatchedBackend, surroundings: Surroundings, *, first_id: int = 1) -> None:
        self.backend = backend
        self._around = surroundings
        self._tracker = SceneTracker(backend, surroundings.parameters().tracking_config(), first_id=first_id)
        self.next_id = first_id  # above every id that was published
        self._cancel = CancelToken()
        self._abandoned = False
        self._camera_frame = ""
        self._mesh_versions: dict[int, int] = {}
        self._in_work: _Prepared | None = None
        self.last_update: SceneUpdate | None = None

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """Objects alive after the newest update; from any thread."""
        update = self.last_update
        return () if update is None else update.objects

    @property
    def in_work(self) -> tuple[OutputFrame, list[int]]:
        """Header and labels of the newest frame that was begun; from any thread."""
        prepared = self._in_work
        return (
            (OutputFrame(0, ""), []) if prepared is None else (prepared.output_frame, prepared.frame.instance_labels())
        )

    def load(self) -> None:
        """Load and warm up the model."""
        self._tracker.load()

    def close(self) -> None:
        """Free the model."""
        self._tracker.unload()

    def cancel(self) -> None:
        """Ask the work in progress to stop; from any thread."""
        self._cancel.cancel()

    def abandon(self) -> None:
        """Publish nothing from now on; from any thread."""
        self._abandoned = True
        self._cancel.cancel()

    def clear(self) -> int:
        """Forget all objects and take them off the topics; returns how many there were."""
        removed = self._tracker.clear()
        stamp_ns = 0 if self.last_update is None else self.last_update.stamp_ns
        self._camera_frame = ""
        self._mesh_versions.clear()
        self.last_update = None
        if not self._abandoned:
            self._around.outputs.remove_all(stamp_ns)
        return len(removed)

    def handle(self, messages: FrameMessages) -> None:
        """Answer a frame of the topics, as the mode says."""
        reconstruct: Literal["new", "none"] = "new" if self._around.parameters().mode == "continuous" else "none"
        self.run(messages, Request(reconstruct))

    def run(self, messages: FrameMessages, request: Request, cancel: CancelToken | None = None) -> SceneUpdate:
        """Answer every mask of a frame with an object or a rejection, and publish both."""
        self._cancel = cancel or CancelToken()
        try:
            return self._run(messages, request)
        except Exception as error:
            detail = f"defect in the node, please report it: {error!r}"
            self.refuse(messages, [Rejection(0, RejectionReason.INTERNAL_ERROR, detail)])
            raise

    def _run(self, messages: FrameMessages, request: Request) -> SceneUpdate:
        prepared = self._prepare(messages, request)
        if not isinstance(prepared, _Prepared):
            return self.refuse(messages, prepared)
        with self._timed("scene"):
            update = self._track(prepared, request)
        if messages.arrived:
            self._around.statistics.add_latencies({"input to output": (time.monotonic() - messages.arrived) * 1e3})
        return update

    def refuse(self, messages: FrameMessages, rejections: Sequence[Rejection]) -> SceneUpdate:
        """Publish why a frame gives no objects."""
        for rejection in rejections:
            self._around.statistics.count("rejected", rejection.reason.value)
        if not self._abandoned:
            self._around.outputs.publish_rejections(OutputFrame(messages.stamp_ns, messages.frame_id), rejections)
        return SceneUpdate(messages.stamp_ns, self.objects, tuple(rejections), (), final=True)

    def _prepare(self, messages: FrameMessages, request: Request) -> _Prepared | tuple[Rejection, ...]:
        """Frame and camera pose, or why they cannot be had."""
        try:
            with self._timed("decode"):
                frame = decode_frame(messages)
            self._check_camera(frame)
        except (InputError, FrameError) as error:
            return (Rejection(0, RejectionReason.INVALID_INPUT, str(error)),)
        try:
            with self._timed("transform"):
                T_ref_cam = self._camera_pose(frame)
        except TransformMissingError as error:
            self._around.statistics.count("transform missing", f"{frame.frame_id} to {self._target_frame}")
            labels = request.labels or frame.instance_labels() or (0,)
            return tuple(Rejection(n, RejectionReason.TRANSFORM_MISSING, str(error)) for n in labels)
        return _Prepared(frame, T_ref_cam, OutputFrame(frame.stamp_ns, self._target_frame or frame.frame_id))

    @property
    def _target_frame(self) -> str:
        return self._around.parameters().target_frame

    def _check_camera(self, frame: Frame) -> None:
        """Without a target frame all poses are in one camera's frame: a second camera must not be mixed in."""
        if self._target_frame:
            return
        if self._camera_frame and frame.frame_id != self._camera_frame:
            raise InputError(
                f"image: frame_id is now {frame.frame_id!r}, the objects are in {self._camera_frame!r}. For several "
                "cameras set target_frame; for a new camera call ~/clear"
            )
        self._camera_frame = frame.frame_id

    def _camera_pose(self, frame: Frame) -> SE3 | None:
        """T_ref_cam at the image stamp; None where poses stay in the camera frame."""
        if self._around.transforms is None:
            return None
        timeout = self._around.parameters().tf_timeout
        return self._around.transforms.lookup(self._target_frame, frame.frame_id, frame.stamp_ns, timeout=timeout)

    def _track(self, prepared: _Prepared, request: Request) -> SceneUpdate:
        self._in_work = prepared

        def on_update(update: SceneUpdate) -> None:
            self._publish(update, prepared.output_frame)
            if request.on_update is not None:
                request.on_update(update)

        return self._tracker.process(
            prepared.frame,
            T_ref_cam=prepared.T_ref_cam,
            labels=request.labels,
            reconstruct=request.reconstruct,
            on_update=on_update,
            on_progress=request.on_progress,
            cancel=self._cancel,
        )

    def _publish(self, update: SceneUpdate, output_frame: OutputFrame) -> None:
        if self._abandoned:
            return
        self.last_update = update
        self.next_id = max([self.next_id, *(item.object_id + 1 for item in update.objects)])
        with self._timed("publish"):
            self._around.outputs.publish(update, output_frame)
        if update.final:
            self._note(update)

    def _note(self, update: SceneUpdate) -> None:
        """Count and measure a finished frame."""
        statistics = self._around.statistics
        statistics.add_latencies(update.latency_ms)
        statistics.count("frames", "processed")
        for rejection in update.rejections:
            statistics.count("rejected", rejection.reason.value)
        for item in update.objects:
            if self._mesh_versions.get(item.object_id) != item.mesh_version:
                self._mesh_versions[item.object_id] = item.mesh_version
                statistics.add_latencies(item.latency_ms)
        for removed in update.removed_ids:
            self._mesh_versions.pop(removed, None)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._around.statistics.add_latencies({stage: (time.perf_counter() - started) * 1e3})
