"""The pieces of an evaluation that can be worked on anywhere: a frame, or a bag; each leaves a part of the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ...geometry.transform_tree import TransformTree
from ...tracking.tracker import SceneTracker
from ..bags.bag import Bag
from ..bags.bag_frames import BagFrames, read_transforms
from ..bags.topics import InputTopics, Role, find_inputs
from ..frames.frame_sources import FrameSource
from ..frames.results import FrameRecord
from ..report.page import pick_evenly
from ..report.part import Flow, PartBuilder, write_part
from ..truth.bag_truth import BagTruth, load_bag_truth
from ..truth.mask_pairing import pair_with_masks
from .frame_run import frame_tracker, run_frame
from .in_process import Answer, InProcessReplay, ReplayConfig
from .model_choice import ModelChoice, kept_backend
from .recorded import RecordedReplay


@dataclass(frozen=True, slots=True)
class FrameTask:
    """A frame that stands for itself."""

    source: FrameSource
    model: ModelChoice
    show: bool  # with pictures


@dataclass(frozen=True, slots=True)
class BagTask:
    """A bag from its first frame to its last, objects followed as in the node."""

    name: str
    path: Path
    model: ModelChoice
    topics: tuple[tuple[Role, str], ...] = ()  # inputs that are not found by themselves
    target_frame: str = ""  # fixed frame of the poses; empty: the camera's own
    max_frames: int | None = None
    truth_file: Path | None = None  # None: the one beside the bag
    truth_topic: str = ""  # empty: the one whose name speaks of truth
    recorded: bool = False  # what the node said while the bag was recorded, instead of a run of the pipeline
    namespace: str = ""  # of that node; empty: the only one of the bag
    picture_frames: int = 6
    measured_frames: int = 20
    baselines: bool = True


def work(task: FrameTask | BagTask, folder: Path) -> None:
    """Do a task and write its part of the report with its pictures into a folder."""
    if isinstance(task, FrameTask):
        _work_on_frame(task, folder)
    else:
        _work_on_bag(task, folder)


def _work_on_frame(task: FrameTask, folder: Path) -> None:
    builder = PartBuilder(task.source.name, folder, baselines=True)
    builder.add(run_frame(frame_tracker(kept_backend(task.model)), task.source), measure=True, show=task.show)
    write_part(folder, builder.finish())


def _work_on_bag(task: BagTask, folder: Path) -> None:
    builder = PartBuilder(task.name, folder, baselines=task.baselines)
    with Bag(task.path) as bag:
        inputs, tree = find_inputs(bag.topics, dict(task.topics)), read_transforms(bag)
        truth = load_bag_truth(bag, tree, file=task.truth_file, topic=task.truth_topic)
        replay = _replay(task, bag, inputs, tree)
        count = _count_frames(bag, inputs, replay, task.max_frames)
        measured = set(pick_evenly(count, task.measured_frames))
        shown = set(pick_evenly(count, task.picture_frames))
        for number, answer in enumerate(replay):
            name = f"{task.name}_{number:04d}"
            record = _record(answer, name, task, truth)
            if record is None:
                builder.add_refused(name, answer.update)
            else:
                builder.add(record, measure=number in measured, show=number in shown)
    figures = replay.figures
    dropped = {reason: count for reason, count in figures.dropped.items() if count}
    flow = Flow(dict(figures.received), dropped, figures.wall_s)
    write_part(folder, builder.finish(flow=flow, notes=tuple(_notes(truth))))


def _replay(task: BagTask, bag: Bag, inputs: InputTopics, tree: TransformTree) -> InProcessReplay | RecordedReplay:
    if task.recorded:
        return RecordedReplay(bag, inputs, tree, task.namespace, task.max_frames)
    config = ReplayConfig(task.target_frame, max_frames=task.max_frames)
    return InProcessReplay(bag, inputs, SceneTracker(kept_backend(task.model)), config)


def _count_frames(bag: Bag, inputs: InputTopics, replay: InProcessReplay | RecordedReplay, limit: int | None) -> int:
    """How many frames will be answered; what is shown and measured is spread over them."""
    if isinstance(replay, RecordedReplay):
        return replay.count()
    return sum(1 for _ in islice(BagFrames(bag, inputs), limit))


def _record(answer: Answer, name: str, task: BagTask, truth: BagTruth | None) -> FrameRecord | None:
    if answer.frame is None or answer.refused:
        return None
    known = pair_with_masks(truth.at(answer.messages), answer.frame) if truth else ()
    return FrameRecord(
        name, answer.frame, answer.update, known, answer.T_ref_cam, wall_ms=answer.latency_ms, run=task.name
    )


def _notes(truth: BagTruth | None) -> Iterator[str]:
    if truth is None:
        yield "No truth is known of this bag: pictures, agreement with the depth and steadiness only."
        return
    for name, reason in truth.missing.items():
        yield f"The truth of {name} is not known in all frames: {reason}"
