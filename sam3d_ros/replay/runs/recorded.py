"""What the node said while a bag was recorded, as answers to the frames of the bag."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ...geometry import SE3, Mesh
from ...geometry.transform_tree import TransformTree
from ...pipeline import FrameError
from ...pipeline.decode import InputError, stamp_ns
from ...pipeline.frame_messages import decode_frame
from ...tracking import SceneUpdate
from ..bags.bag import Bag, BagError
from ..bags.bag_frames import BagFrames, camera_pose
from ..bags.scene_of_messages import scene_of_messages
from ..bags.topics import InputTopics, list_topics
from .in_process import Answer
from .run_figures import RunFigures

OBJECTS_TYPE = "sam3d_ros/msg/ReconstructedObjectArray"
REJECTIONS_TYPE = "sam3d_ros/msg/RejectionArray"
NO_ANSWER = "frame without an answer of the node"


@dataclass(slots=True)
class _Said:
    """The last words about one frame."""

    objects: Any = None
    rejections: Any = None


@dataclass(slots=True)
class RecordedReplay:
    """Iterate to get an answer for each frame that the node answered; `figures` grows with each.

    `tree` holds the transforms of the bag, `topic` the ReconstructedObjectArray (empty: the only one of the bag).
    """

    bag: Bag
    inputs: InputTopics
    tree: TransformTree
    topic: str = ""
    max_frames: int | None = None
    figures: RunFigures = field(default_factory=lambda: RunFigures(mode="recorded"))
    _meshes: dict[tuple[int, int], Mesh] = field(default_factory=dict)  # by id and version

    def count(self) -> int:
        """How many frames will be answered."""
        said, frames = self._read(), islice(BagFrames(self.bag, self.inputs), self.max_frames)
        return sum(messages.stamp_ns in said for messages in frames)

    def __iter__(self) -> Iterator[Answer]:
        said = self._read()
        frames = BagFrames(self.bag, self.inputs)
        for index, messages in enumerate(frames):
            if index == self.max_frames:
                break
            self.figures.frames_in += 1
            words = said.get(messages.stamp_ns)
            if words is None:
                self.figures.dropped[NO_ANSWER] += 1
                continue
            self.figures.frames_done += 1
            yield self._answer(messages, words)
        self.figures.add_counts(frames.counts)

    def _answer(self, messages: Any, words: _Said) -> Answer:
        head = (words.objects if words.objects is not None else words.rejections).header
        update = self._with_meshes(scene_of_messages(words.objects, words.rejections))
        frame_id = str(head.frame_id)
        pose = None if frame_id == messages.frame_id else camera_pose(self.tree, frame_id, messages)
        try:
            frame = decode_frame(messages)
        except (InputError, FrameError):
            return Answer(messages, None, None, frame_id, update, refused=True)
        if not isinstance(pose, SE3 | None):
            self.figures.dropped[f"frame whose camera has no transform to {frame_id}"] += 1
            return Answer(messages, frame, None, frame_id, update, refused=True)
        return Answer(messages, frame, pose, frame_id, update)

    def _with_meshes(self, update: SceneUpdate) -> SceneUpdate:
        """With `objects_mesh: on_change` a mesh comes once; the same mesh is kept once in any case."""
        objects = []
        for item in update.objects:
            key = (item.object_id, item.mesh_version)
            if len(item.mesh.triangles):
                self._meshes.setdefault(key, item.mesh)
            objects.append(dataclasses.replace(item, mesh=self._meshes.get(key, item.mesh)))
        return dataclasses.replace(update, objects=tuple(objects))

    def _read(self) -> Mapping[int, _Said]:
        """By stamp. The node publishes objects of one stamp again as they are finished; the last message counts."""
        objects = _only(self.bag, OBJECTS_TYPE, self.topic)
        rejections = f"{objects.rsplit('/', 1)[0]}/rejections"
        said: dict[int, _Said] = {}
        for message in self.bag.messages([objects, rejections]):
            decoded = self.bag.decode(message)
            words = said.setdefault(stamp_ns(decoded), _Said())
            if message.type == OBJECTS_TYPE:
                words.objects = decoded
            else:
                words.rejections = decoded
        return said


def _only(bag: Bag, message_type: str, given: str) -> str:
    fitting = [topic.name for topic in bag.topics if topic.type == message_type and topic.count]
    if given:
        fitting = [name for name in fitting if name == given]
    if len(fitting) == 1:
        return fitting[0]
    what = f"{len(fitting)} topics of {message_type}" if fitting else f"no {message_type} {given}".rstrip()
    remedy = "name one with --recorded TOPIC" if fitting else "leave out --recorded to run the pipeline on it"
    raise BagError(f"{bag.path}: {what}; {remedy}; the bag has\n{list_topics(bag.topics)}")
