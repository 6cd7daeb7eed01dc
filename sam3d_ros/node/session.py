"""What exists between configure and cleanup: publishers, transforms, and the worker with model and objects."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from rclpy.lifecycle import LifecycleNode

from ..pipeline import Backend, CancelToken, Rejection, RejectionReason
from ..pipeline.frame_messages import FrameMessages
from ..pipeline.model_options import OptionsError
from ..tracking import SceneObject, SceneUpdate
from .outputs import OutputFrame, Outputs
from .parameters import Parameters
from .processing import FrameProcessor, Request, Surroundings
from .statistics import Statistics
from .transforms import TransformSource
from .watched_backend import RunningCall, WatchedBackend
from .worker import Worker

BackendFactory = Callable[[Parameters], Backend]

_POLL_S = 0.1


class LoadError(RuntimeError):
    """The model could not be loaded; the message says why."""


class Session:
    """Owns the worker, and replaces it where the model hangs."""

    def __init__(
        self,
        node: LifecycleNode,
        parameters: Callable[[], Parameters],
        *,
        make_backend: BackendFactory,
        statistics: Statistics,
    ) -> None:
        self._parameters = parameters
        self._make_backend = make_backend
        self._statistics = statistics
        self._logger = node.get_logger()
        backend = self._new_backend()
        self.outputs = Outputs(node, parameters)
        self.transforms = TransformSource(node) if parameters().target_frame else None
        self.newest: FrameMessages | None = None
        self.fault = ""  # why there is no working model; empty while all is well
        self._start(backend, first_id=1)

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """Objects alive after the newest update."""
        return self._processor.objects

    @property
    def backend(self) -> WatchedBackend:
        return self._processor.backend

    @property
    def dropped(self) -> int:
        """Matched frames that newer ones replaced before the worker came for them."""
        return self._worker.dropped

    def load(self, *, give_up: Callable[[], bool]) -> None:
        """Load the model in the worker's thread; raises LoadError after load_timeout, or once `give_up` says so."""
        future = self._worker.call(self._processor.load)
        deadline = time.monotonic() + self._parameters().load_timeout
        while not give_up() and time.monotonic() < deadline:
            try:
                return future.result(timeout=_POLL_S)
            except FutureTimeout as error:
                if future.done():  # from Python 3.11 on this is also what a model may raise
                    raise LoadError(f"model {self.backend.name!r} cannot be loaded: {error!r}") from error
            except Exception as error:
                raise LoadError(f"model {self.backend.name!r} cannot be loaded: {error}") from error
        self._worker.abandon()
        if give_up():
            raise LoadError(f"model {self.backend.name!r} was not loaded: the node was asked to stop meanwhile")
        raise LoadError(f"model {self.backend.name!r} was not loaded within {self._parameters().load_timeout:g} s")

    def accept(self, messages: FrameMessages) -> None:
        """Hand over a matched set; out of order or a repetition: counted and dropped."""
        if self.newest is not None and messages.stamp_ns <= self.newest.stamp_ns:
            repeated = messages.stamp_ns == self.newest.stamp_ns
            self._statistics.count("dropped", "same stamp again" if repeated else "out of order")
            return
        self.newest = messages
        self._worker.put(messages)

    def reconstruct(self, messages: FrameMessages, request: Request, cancel: CancelToken) -> Future[SceneUpdate]:
        """Answer a frame on request, before the next frame of the topics."""
        return self._worker.call(lambda: self._processor.run(messages, request, cancel))

    def refuse(self, frame: OutputFrame, detail: str) -> None:
        """Publish that an input cannot be used."""
        rejection = Rejection(0, RejectionReason.INVALID_INPUT, detail)
        self._worker.call(lambda: self.outputs.publish_rejections(frame, [rejection]))

    def clear(self) -> Future[int]:
        """Forget all objects; stops what is in work."""
        self.newest = None
        self._worker.interrupt()
        return self._worker.call(self._processor.clear)

    def forget(self) -> None:
        """Clear objects and transforms after a time jump."""
        if self.transforms is not None:
            self.transforms.clear()
        self.clear()

    def interrupt(self) -> None:
        """Stop what is in work; model and objects stay."""
        self._worker.interrupt()

    def replace_if_hung(self) -> RunningCall | None:
        """Give a model up that is busy with one call for longer than hang_timeout, and load a fresh one."""
        call = self.backend.running
        if call is None or call.seconds < self._parameters().hang_timeout:
            return None
        abandoned = self._processor
        self._worker.abandon()
        self._statistics.count("worker", "replaced")
        self._publish_loss(abandoned, call)
        self._start(self._new_backend(), first_id=abandoned.next_id)
        self.fault = "the model hung and is being loaded again"
        self._worker.call(self._processor.load).add_done_callback(self._reloaded)
        return call

    def close(self, timeout: float) -> bool:
        """End the worker and free everything; False where the model is deaf to cancelling."""
        stopped = self._worker.stop(timeout)
        if not stopped:
            self._worker.abandon()
        self.outputs.destroy()
        if self.transforms is not None:
            self.transforms.destroy()
        return stopped

    def _new_backend(self) -> WatchedBackend:
        """Not loaded yet; raises LoadError where it cannot even be made."""
        try:
            return WatchedBackend(self._make_backend(self._parameters()), self._parameters)
        except OptionsError as error:
            raise LoadError(f"model {self._parameters().backend!r} cannot be loaded: {error}") from error

    def _start(self, backend: WatchedBackend, *, first_id: int) -> None:
        surroundings = Surroundings(self._parameters, self.outputs, self.transforms, self._statistics)
        self._processor = FrameProcessor(backend, surroundings, first_id=first_id)
        self._worker = Worker(self._processor, on_defect=self._on_defect)

    def _publish_loss(self, abandoned: FrameProcessor, call: RunningCall) -> None:
        """Answer the masks of the frame that was in work, and take the objects, which are lost, off the topics."""
        detail = (
            f"the model did not come back from {call.what} within hang_timeout, {self._parameters().hang_timeout:g} s"
        )
        frame, labels = abandoned.in_work
        rejections = [Rejection(call.label, RejectionReason.TIMEOUT, detail)]
        others = f"the model hung at label {call.label}; all objects start anew"
        rejections += [Rejection(n, RejectionReason.CANCELLED, others) for n in labels if n != call.label]
        self.outputs.remove_all(frame.stamp_ns)
        self.outputs.publish_rejections(frame, rejections)

    def _reloaded(self, future: Future[None]) -> None:
        failed = future.cancelled() or future.exception() is not None
        self.fault = f"the model cannot be loaded again: {future}" if failed else ""

    def _on_defect(self, error: Exception) -> None:
        self._statistics.count("worker", f"defect: {type(error).__name__}")
        self._logger.error(f"defect in the worker, the node goes on: {error!r}")
