"""The walk of one frame: who is it, where is it now, and what is not known yet."""

from __future__ import annotations

from collections.abc import Sequence

from ..geometry import SE3
from ..pipeline import Backend, CancelToken, Frame, ProgressCallback
from .config import TrackingConfig
from .following import follow_all
from .identity import Sighting, associate, predict
from .masks import MaskView, split_masks
from .merging import mark_merged
from .recognising import recognise
from .reconstructing import Reconstructor
from .scene import SceneObject, SceneUpdate, UpdateCallback
from .table import ObjectTable
from .walk import FrameWalk
from .wanted import ReconstructMode, choose


class SceneTracker:
    """Keeps the objects of a scene from frame to frame, and asks the backend for those it does not know.

    Poses are in the reference frame: that of `T_ref_cam`, or the camera's own where none is given. Whoever changes the
    reference frame calls `clear` first. All methods belong to one thread, the one that owns the backend. Who follows
    another tracker goes on with its ids through `first_id`.
    """

    def __init__(self, backend: Backend, config: TrackingConfig | None = None, *, first_id: int = 1) -> None:
        self.backend = backend
        self.config = config or TrackingConfig()
        self._table = ObjectTable(first_id)
        self._reconstructor = Reconstructor(backend, self._table, self.config)
        self._newest_ns: int | None = None

    def load(self) -> None:
        """Load the backend; raises what it raises."""
        self.backend.load()

    def unload(self) -> None:
        """Free the backend; the objects stay."""
        self.backend.unload()

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """All living objects, ascending by id."""
        return self._table.objects

    def clear(self) -> tuple[int, ...]:
        """Forget all objects and the time; returns the removed ids, which are never given again."""
        self._newest_ns = None
        return self._table.clear()

    def jumps_back(self, stamp_ns: int) -> bool:
        """Whether a stamp is older than the newest frame by more than `time_jump_s`: a bag that loops, a reset clock.

        The caller then clears what depends on time (synchroniser, transforms) together with this table.
        """
        return self._newest_ns is not None and (self._newest_ns - stamp_ns) * 1e-9 > self.config.time_jump_s

    def process(
        self,
        frame: Frame,
        *,
        T_ref_cam: SE3 | None = None,
        labels: Sequence[int] | None = None,
        reconstruct: ReconstructMode = "new",
        on_update: UpdateCallback | None = None,
        on_progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> SceneUpdate:
        """The scene after this frame; every mask that was asked for leaves as an object or as a rejection.

        Known objects are followed first, whatever `labels` says. Then masks without an object are reconstructed: all
        (`labels` None), or those in `labels`; mode "all" also makes known objects anew, "none" nothing. What is not
        asked for gets no answer. `on_update` hears of the followed objects, of each coarse and each finished one, and
        gets what is returned last (`final`); after an update a callback may take its time, the tracker waits.
        """
        walk = FrameWalk(frame, T_ref_cam, self._table, on_update)
        masks = self._split(walk)
        sightings = self._associate(walk, masks)
        self._follow(walk, sightings)
        self._age(walk, sightings)
        wanted, unanswerable = choose(masks, sightings, self.config, labels=labels, mode=reconstruct)
        for rejection in unanswerable:
            walk.reject(rejection)
        if wanted:
            walk.publish()
            self._reconstructor.run(walk, wanted, on_progress=on_progress, cancel=cancel or CancelToken())
            walk.removed(self._table.make_room(self.config.max_objects, stamp_ns=frame.stamp_ns))
        self._newest_ns = max(frame.stamp_ns, self._newest_ns or frame.stamp_ns)
        return walk.publish(final=True)

    def _split(self, walk: FrameWalk) -> dict[int, MaskView]:
        with walk.stage("split"):
            return split_masks(walk.frame, points=self.config.follow_points)

    def _associate(self, walk: FrameWalk, masks: dict[int, MaskView]) -> list[Sighting]:
        with walk.stage("associate"):
            T_cam_ref = walk.T_ref_cam.inverse()
            predictions = predict(self._table, walk.frame.stamp_ns, T_cam_ref)
            sightings = associate(predictions, masks, walk.frame, self.config)
            if self.config.follow:
                sightings += recognise(predictions, masks, sightings, walk.frame, self.config)
            return mark_merged(predictions, sightings, walk.frame)

    def _follow(self, walk: FrameWalk, sightings: list[Sighting]) -> None:
        with walk.stage("follow"):
            for rejection in follow_all(sightings, walk.frame, walk.T_ref_cam, self.config, fixed=walk.fixed):
                walk.reject(rejection)

    def _age(self, walk: FrameWalk, sightings: list[Sighting]) -> None:
        seen = {sighting.prediction.track.object_id for sighting in sightings}
        walk.removed(self._table.age(walk.frame.stamp_ns, seen=seen, max_age_s=self.config.max_age_s))
