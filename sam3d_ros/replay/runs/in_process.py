"""A bag through the pipeline in this process: every frame, one after another, the same result each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ...geometry import SE3
from ...geometry.transform_tree import TransformTree
from ...pipeline import Frame, FrameError, Rejection, RejectionReason
from ...pipeline.decode import InputError
from ...pipeline.frame_messages import FrameMessages, decode_frame
from ...tracking import ObjectState, SceneUpdate
from ...tracking.tracker import SceneTracker
from ..bags.bag import Bag
from ..bags.bag_frames import BagFrames, MatchConfig, camera_pose, read_transforms
from ..bags.topics import InputTopics
from .run_figures import RunFigures


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    """What of a bag is replayed and how."""

    target_frame: str = ""  # fixed frame of the poses; empty: the camera's own
    loops: int = 1
    max_frames: int | None = None  # of each loop
    match: MatchConfig = field(default_factory=MatchConfig)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A frame of the bag and the scene after it."""

    messages: FrameMessages
    frame: Frame | None  # None where the messages could not be used
    T_ref_cam: SE3 | None  # None: the poses are in the camera frame
    frame_id: str  # of the poses
    update: SceneUpdate
    refused: bool = False  # the frame did not reach the tracker; its rejections say why
    latency_ms: float = float("nan")  # from the messages to the answer; NaN while it is not final


class InProcessReplay:
    """Iterate to get the answers; the tracker must be loaded. `figures` grows with each answer.

    `on_progress` hears of a frame's answer while it is on its way, each time that more is known.
    """

    def __init__(
        self,
        bag: Bag,
        inputs: InputTopics,
        tracker: SceneTracker,
        config: ReplayConfig,
        *,
        on_progress: Callable[[Answer], None] | None = None,
    ) -> None:
        self._bag = bag
        self._on_progress = on_progress
        self._inputs = inputs
        self._tracker = tracker
        self._config = config
        self._transforms = read_transforms(bag) if config.target_frame else TransformTree()
        self._versions: dict[int, int] = {}
        self.figures = RunFigures()

    def __iter__(self) -> Iterator[Answer]:
        started = time.perf_counter()
        for _ in range(self._config.loops):
            self._tracker.clear()
            frames = BagFrames(self._bag, self._inputs, self._config.match)
            for index, messages in enumerate(frames):
                if index == self._config.max_frames:
                    break
                yield self._answer(messages)
                self.figures.wall_s = time.perf_counter() - started
            self.figures.add_counts(frames.counts)

    def _answer(self, messages: FrameMessages) -> Answer:
        started = time.perf_counter()
        answer = self._process(messages)
        latency_ms = 1e3 * (time.perf_counter() - started)
        self.figures.add_latencies({"frame": latency_ms})
        self._note(answer.update)
        return replace(answer, latency_ms=latency_ms)

    def _process(self, messages: FrameMessages) -> Answer:
        frame_id = self._config.target_frame or messages.frame_id
        started = time.perf_counter()
        try:
            frame = decode_frame(messages)
        except (InputError, FrameError) as error:
            refused = self._refused(messages, (Rejection(0, RejectionReason.INVALID_INPUT, str(error)),))
            return Answer(messages, None, None, frame_id, refused, refused=True)
        self.figures.add_latencies({"decode": 1e3 * (time.perf_counter() - started)})
        T_ref_cam = self._camera_pose(messages)
        if isinstance(T_ref_cam, str):
            labels = frame.instance_labels() or [0]
            missing = tuple(Rejection(label, RejectionReason.TRANSFORM_MISSING, T_ref_cam) for label in labels)
            return Answer(messages, frame, None, frame_id, self._refused(messages, missing), refused=True)

        def progress(update: SceneUpdate) -> None:
            if self._on_progress is not None and not update.final:
                self._on_progress(Answer(messages, frame, T_ref_cam, frame_id, update))

        update = self._tracker.process(frame, T_ref_cam=T_ref_cam, on_update=progress)
        return Answer(messages, frame, T_ref_cam, frame_id, update)

    def _camera_pose(self, messages: FrameMessages) -> SE3 | str | None:
        if not self._config.target_frame:
            return None
        return camera_pose(self._transforms, self._config.target_frame, messages)

    def _refused(self, messages: FrameMessages, rejections: tuple[Rejection, ...]) -> SceneUpdate:
        return SceneUpdate(messages.stamp_ns, self._tracker.objects, rejections, (), final=True)

    def _note(self, update: SceneUpdate) -> None:
        figures = self.figures
        figures.frames_in += 1
        figures.frames_done += 1
        figures.objects.update(item.object_id for item in update.objects)
        figures.object_answers += sum(item.state is not ObjectState.UNSEEN for item in update.objects)
        figures.rejections.update(rejection.reason.value for rejection in update.rejections)
        figures.add_latencies(update.latency_ms)
        for item in update.objects:
            if self._versions.get(item.object_id) != item.mesh_version:
                self._versions[item.object_id] = item.mesh_version
                figures.add_latencies({f"object: {stage}": value for stage, value in item.latency_ms.items()})
