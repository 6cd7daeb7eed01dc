"""Masks without an object become objects, coarse first."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..geometry import SE3
from ..pipeline import Backend, CancelToken, Progress, ProgressCallback, Reconstruction, Rejection
from ..pipeline.registration import RegistrationConfig, RegistrationTarget
from .asking import Failure, Prepared, is_usable, prepare, reconstruct
from .config import TrackingConfig
from .following import rotated_covariance
from .scene import ObjectState, SceneObject
from .table import ObjectTable, Track
from .takeover import in_frame_of
from .walk import FrameWalk
from .wanted import Wanted


class Reconstructor:
    """Asks the backend for the wanted masks one by one and keeps the table and the listener up to date."""

    def __init__(self, backend: Backend, table: ObjectTable, config: TrackingConfig) -> None:
        self._backend = backend
        self._table = table
        self._config = config

    def run(
        self,
        walk: FrameWalk,
        wanted: Sequence[Wanted],
        *,
        on_progress: ProgressCallback | None,
        cancel: CancelToken,
    ) -> None:
        """Answer every wanted mask; the listener hears of each coarse and each but the last finished one."""
        with walk.stage("prepare"):
            prepared = prepare(self._backend, walk.frame)
        for index, want in enumerate(wanted):
            with walk.stage("reconstruct"):
                self._answer(walk, want, prepared, on_progress=on_progress, cancel=cancel)
            if index + 1 < len(wanted):
                walk.publish()

    def _answer(
        self,
        walk: FrameWalk,
        want: Wanted,
        prepared: Prepared | Failure,
        *,
        on_progress: ProgressCallback | None,
        cancel: CancelToken,
    ) -> None:
        if isinstance(prepared, Failure):
            walk.reject(prepared.of(want.view.label))
            return
        job = _Job(walk, want, self._table, on_progress)
        started = time.perf_counter()
        answer = reconstruct(self._backend, prepared, want.view.label, progress=job.on_progress, cancel=cancel)
        if isinstance(answer, Rejection):
            job.fail(answer)
        else:
            job.finish(answer, (time.perf_counter() - started) * 1e3, self._config.registration)


class _Job:
    """One mask on its way to an object; a new id is given when there is something to show for it."""

    def __init__(self, walk: FrameWalk, want: Wanted, table: ObjectTable, on_progress: ProgressCallback | None) -> None:
        self._walk = walk
        self._want = want
        self._table = table
        self._listener = on_progress
        self._coarse: Track | None = None

    def on_progress(self, progress: Progress) -> None:
        """Show the coarse result of a new object; a known one keeps its better mesh until the new one is finished."""
        coarse = progress.coarse
        if coarse is not None and self._want.known is None and is_usable(coarse, self._want.view.label):
            object_id = self._coarse.object_id if self._coarse else self._table.new_id()
            self._coarse = Track(
                self._object(coarse, object_id, version=1, state=ObjectState.COARSE),
                None,
                self._walk.frame.stamp_ns,
                self._area,
            )
            self._table.put(self._coarse)
            self._walk.publish()
        if self._listener is not None:
            self._listener(progress)

    def fail(self, rejection: Rejection) -> None:
        """No object; one that was shown as coarse disappears again, a known one stays as it is."""
        if self._coarse is not None:
            self._table.remove(self._coarse.object_id)
            self._walk.removed([self._coarse.object_id])
        if self._want.known is not None:
            self._want.known.bad_frames = 0  # the next attempt comes after as many bad frames as this one,
            self._want.known.seen_area = self._area  # or when as much more is seen again
        self._walk.reject(rejection)

    def finish(self, answer: Reconstruction, elapsed_ms: float, config: RegistrationConfig) -> None:
        """Put the finished mesh into the table; that of a known object under the frame that it is followed by."""
        if (T_cam_obj := self._followed()) is not None:
            answer = in_frame_of(answer, T_cam_obj)
        previous = self._want.known or self._coarse
        object_id = previous.object_id if previous else self._table.new_id()
        version = previous.current.mesh_version + 1 if previous else 1
        current = self._object(answer, object_id, version=version, state=ObjectState.COMPLETE)
        current.latency_ms["total"] = elapsed_ms
        track = Track(current, RegistrationTarget(answer.mesh, config), self._walk.frame.stamp_ns, self._area)
        if T_cam_obj is not None and self._want.known is not None:
            track.motion, track.steadied = self._want.known.motion, self._want.known.steadied
        self._table.put(track)
        self._walk.accept(answer.label)

    def _followed(self) -> SE3 | None:
        """T_cam_obj of a known object whose pose was settled in this frame."""
        known = self._want.known
        if known is None or known.bad_frames or known.current.stamp_ns != self._walk.frame.stamp_ns:
            return None
        return self._walk.T_ref_cam.inverse() @ known.current.T_ref_obj

    @property
    def _area(self) -> float:
        return self._want.view.area(self._walk.frame.camera)

    def _object(self, result: Reconstruction, object_id: int, *, version: int, state: ObjectState) -> SceneObject:
        frame, T_ref_cam = self._walk.frame, self._walk.T_ref_cam
        return SceneObject(
            object_id=object_id,
            label=result.label,
            detection=frame.detections.get(result.label),
            state=state,
            mesh=result.mesh,
            mesh_version=version,
            T_ref_obj=T_ref_cam @ result.T_cam_obj,
            covariance=rotated_covariance(result.covariance, T_ref_cam.rotation),
            scale=result.scale,
            quality=result.quality,
            stamp_ns=frame.stamp_ns,
            latency_ms=dict(result.latency_ms),
            gaussians=result.gaussians,
        )
