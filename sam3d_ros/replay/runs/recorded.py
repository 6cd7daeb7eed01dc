"""What the node said while a bag was recorded, as answers to the frames of the bag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from ...geometry import SE3
from ...geometry.transform_tree import TransformTree
from ...pipeline import FrameError
from ...pipeline.decode import InputError
from ...pipeline.frame_messages import FrameMessages, decode_frame
from ..bags.bag import Bag, BagError
from ..bags.bag_frames import BagFrames, camera_pose
from ..bags.published import PublishedScene, read_published
from ..bags.result_topics import OBJECTS_TYPE, find_results
from ..bags.topics import InputTopics, list_topics
from .in_process import Answer
from .run_figures import RunFigures

NO_ANSWER = "frame without an answer of the node"


@dataclass(slots=True)
class RecordedReplay:
    """Iterate to get an answer for each frame that the node answered; `figures` grows with each.

    `tree` holds the transforms of the bag; `namespace` is the name of the node (empty: the only one of the bag).
    """

    bag: Bag
    inputs: InputTopics
    tree: TransformTree
    namespace: str = ""
    max_frames: int | None = None
    figures: RunFigures = field(default_factory=lambda: RunFigures(mode="recorded"))
    _scenes: Mapping[int, PublishedScene] | None = None  # by stamp

    def count(self) -> int:
        """How many frames will be answered."""
        scenes, frames = self._published(), islice(BagFrames(self.bag, self.inputs), self.max_frames)
        return sum(messages.stamp_ns in scenes for messages in frames)

    def __iter__(self) -> Iterator[Answer]:
        scenes = self._published()
        frames = BagFrames(self.bag, self.inputs)
        for index, messages in enumerate(frames):
            if index == self.max_frames:
                break
            self.figures.frames_in += 1
            scene = scenes.get(messages.stamp_ns)
            if scene is None:
                self.figures.dropped[NO_ANSWER] += 1
                continue
            self.figures.frames_done += 1
            yield self._answer(messages, scene)
        self.figures.add_counts(frames.counts)

    def _answer(self, messages: FrameMessages, scene: PublishedScene) -> Answer:
        frame_id, update, refused = scene.frame_id, scene.update, scene.objects_of_before
        try:
            frame = decode_frame(messages)
        except (InputError, FrameError):
            return Answer(messages, None, None, frame_id, update, refused=True, latency_ms=scene.latency_ms)
        pose = None if frame_id == messages.frame_id else camera_pose(self.tree, frame_id, messages)
        if not isinstance(pose, SE3 | None):
            self.figures.dropped[f"frame whose camera has no transform to {frame_id}"] += not refused
            pose, refused = None, True
        return Answer(messages, frame, pose, frame_id, update, refused=refused, latency_ms=scene.latency_ms)

    def _published(self) -> Mapping[int, PublishedScene]:
        if self._scenes is None:
            self._scenes = self._read()
        return self._scenes

    def _read(self) -> Mapping[int, PublishedScene]:
        results = find_results(self.bag.topics, namespace=self.namespace, option="--recorded")
        if results is None:
            raise BagError(
                f"{self.bag.path}: no {OBJECTS_TYPE}; leave out --recorded to run the pipeline on it; "
                f"the bag has\n{list_topics(self.bag.topics)}"
            )
        return read_published(self.bag, results)
