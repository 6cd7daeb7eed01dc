"""Arguments of `evaluate` that say which bags, with which truth."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..replay.bags.bag import Bag, BagError
from ..replay.bags.topics import Role, find_inputs
from ..replay.truth.truth_file import find_truth_file, read_truth_file
from . import UsageError
from .bag_arguments import TOPICS_HELP, given_topics
from .number_arguments import count

if TYPE_CHECKING:
    from ..replay.runs.evaluation_tasks import BagTask
    from ..replay.runs.model_choice import ModelChoice


def add_bag_arguments(parser: argparse.ArgumentParser) -> None:
    """--bags and what belongs to them."""
    group = parser.add_argument_group("bags")
    group.add_argument(
        "--bags",
        type=Path,
        nargs="+",
        default=[],
        metavar="BAG",
        help=".mcap or .db3 files, or folders of recordings: colour, depth, masks; objects are followed as in the node",
    )
    group.add_argument(
        "--topics",
        nargs="+",
        default=(),
        metavar="ROLE:=TOPIC",
        help=TOPICS_HELP,
    )
    group.add_argument(
        "--target-frame", default="", metavar="FRAME", help="fixed frame of the poses, from TF in the bag"
    )
    group.add_argument(
        "--truth",
        type=Path,
        metavar="FILE",
        help="truth of every bag: meshes, and poses fixed, by TF or by detections (default: objects.json beside it)",
    )
    group.add_argument(
        "--truth-topic",
        default="",
        metavar="TOPIC",
        help="Detection3DArray with true poses or boxes (default: the one whose name holds truth or /gt)",
    )
    group.add_argument(
        "--recorded",
        nargs="?",
        const="",
        metavar="NODE",
        help="evaluate what the node published into the bag instead of running the pipeline (NODE: /sam3d, where "
        "several did)",
    )
    group.add_argument("--bag-frames", type=count, metavar="N", help="only the first N frames of each bag")
    group.add_argument(
        "--measure",
        type=count,
        default=20,
        metavar="N",
        help="frames of each bag whose shapes are compared with the truth, evenly (default 20); poses are in all",
    )


def check_bags(arguments: argparse.Namespace) -> None:
    """Raise UsageError for what can be seen before work begins.

    Of one bag alone, topics and truth are looked at as well; among several a bad one fails by itself.
    """
    topics = given_topics(arguments.topics)
    if arguments.truth and not arguments.truth.is_file():
        raise UsageError(f"--truth {arguments.truth}: no such file")
    missing = next((path for path in arguments.bags if not path.exists()), None)
    if missing:
        raise UsageError(f"--bags {missing}: no such file or folder")
    twice = next((name for name, count in Counter(map(_stem, arguments.bags)).items() if count > 1), None)
    if twice and len({path.resolve() for path in arguments.bags}) < len(arguments.bags):
        raise UsageError(f"--bags names {twice} twice; each bag once")
    try:
        if arguments.truth:
            read_truth_file(arguments.truth)
        if len(arguments.bags) == 1:
            _check_only_bag(arguments.bags[0], topics, arguments.truth)
    except BagError as error:
        raise UsageError(str(error)) from error


def _check_only_bag(path: Path, topics: Mapping[Role, str], truth: Path | None) -> None:
    with Bag(path) as bag:
        find_inputs(bag.topics, topics)
    beside = None if truth else find_truth_file(path)
    if beside:
        read_truth_file(beside)


def bag_tasks(arguments: argparse.Namespace, model: ModelChoice) -> list[BagTask]:
    """One task for each bag, after `check_bags`."""
    from ..replay.runs.evaluation_tasks import BagTask  # brings Open3D, which takes seconds

    return [
        BagTask(
            name=name,
            path=path,
            model=model,
            topics=tuple(given_topics(arguments.topics).items()),
            target_frame=arguments.target_frame,
            max_frames=arguments.bag_frames,
            truth_file=arguments.truth,
            truth_topic=arguments.truth_topic,
            recorded=arguments.recorded is not None,
            namespace=arguments.recorded or "",
            measured_frames=arguments.measure,
        )
        for name, path in zip(unique_names(arguments.bags), arguments.bags, strict=True)
    ]


def unique_names(bags: Sequence[Path]) -> list[str]:
    """A name for each bag: that of its file or folder; where two are the same, with as much of the path as it takes."""
    names = [_stem(path) for path in bags]
    parents = [path.resolve().parent for path in bags]
    while doubled := {name for name, count in Counter(names).items() if count > 1}:
        for position, name in enumerate(names):
            if name in doubled:
                names[position] = f"{parents[position].name or 'root'}_{name}"
                parents[position] = parents[position].parent
    return names


def _stem(path: Path) -> str:
    return path.resolve().stem if path.is_file() else path.resolve().name
