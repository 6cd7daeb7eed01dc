"""`sam3d-ros replay`: a bag through the pipeline, or over DDS through the node."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from ..replay.bags.bag import Bag, BagError
from ..replay.bags.result_bag import ResultBag
from ..replay.bags.topics import InputTopics, find_inputs
from ..replay.runs.in_process import Answer, InProcessReplay, ReplayConfig
from ..replay.runs.local_traffic import keep_local
from ..replay.runs.node_process import NodeError, end_on_sigterm
from ..replay.runs.run_figures import RunFigures
from . import UsageError
from .bag_arguments import TOPICS_HELP, given_topics, loaded_tracker, say_inputs
from .model_arguments import add_model_arguments, model_options, node_parameters
from .number_arguments import count, positive

INTERRUPTED = 130  # exit status after Ctrl-C, as shells have it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", type=Path, metavar="BAG", help=".mcap or .db3 file, or the folder of a recording")
    parser.add_argument("--output", type=Path, default=Path("out/replay"), metavar="OUT", help="default: out/replay")
    parser.add_argument(
        "--topics",
        nargs="+",
        default=(),
        metavar="ROLE:=TOPIC",
        help=TOPICS_HELP,
    )
    parser.add_argument(
        "--ros", action="store_true", help="publish over DDS to the node, which runs as its own process"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything random")
    parser.add_argument(
        "--target-frame", default="", metavar="FRAME", help="fixed frame of the poses, from TF in the bag"
    )
    parser.add_argument("--rate", type=positive, default=1.0, metavar="R", help="with --ros: times the recorded speed")
    parser.add_argument("--loop", type=count, default=1, metavar="N", help="play the bag so many times")
    parser.add_argument("--frames", type=count, metavar="N", help="only the first N frames")
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write results.mcap and summary.json; 0 when done, 130 after Ctrl-C, with what was done until then."""
    model_options(arguments)  # refused before anything is written
    try:
        given = given_topics(arguments.topics)
        with Bag(arguments.bag) as bag:
            inputs = find_inputs(bag.topics, given)
            _prepare_output(arguments.output, arguments.bag)
            say_inputs(inputs)
            return _run_ros(bag, inputs, arguments) if arguments.ros else _run_here(bag, inputs, arguments)
    except BagError as error:
        raise UsageError(str(error)) from error


def finish(figures: RunFigures, output: Path) -> None:
    """Write summary.json and print the table."""
    figures.write(output / "summary.json")
    print(figures.table())
    print(f"results    {output / 'results.mcap'}")


def _run_here(bag: Bag, inputs: InputTopics, arguments: argparse.Namespace) -> int:
    tracker = loaded_tracker(arguments)
    config = ReplayConfig(arguments.target_frame, arguments.loop, arguments.frames)
    replay = InProcessReplay(bag, inputs, tracker, config)
    total = min(inputs.image.count, arguments.frames or inputs.image.count) * arguments.loop
    last_ns, status = 0, 0
    with ResultBag(arguments.output / "results.mcap", fixed_frame=bool(arguments.target_frame)) as results:
        try:
            for answer in _bar(replay, total):
                stamp_ns = answer.messages.stamp_ns
                if answer.refused:
                    results.write_rejections(answer.update, answer.messages.frame_id, time_ns=stamp_ns)
                else:
                    results.write(answer.update, answer.frame_id, time_ns=stamp_ns)
                last_ns = max(last_ns, answer.messages.stamp_ns)
        except KeyboardInterrupt:
            status = INTERRUPTED
        results.copy_inputs(bag, inputs, until_ns=last_ns)
    tracker.unload()
    finish(replay.figures, arguments.output)
    return status


def _run_ros(bag: Bag, inputs: InputTopics, arguments: argparse.Namespace) -> int:
    keep_local(arguments.output)
    end_on_sigterm()
    # Only this mode needs rclpy.
    from ..node.live_replay import LiveConfig, LiveReplay

    parameters = {**node_parameters(arguments), "seed": str(arguments.seed)}
    if arguments.target_frame:
        parameters["target_frame"] = arguments.target_frame
    config = LiveConfig(arguments.output, parameters, arguments.rate, arguments.loop, arguments.frames)
    replay = LiveReplay(bag, inputs, config)
    total = min(inputs.image.count, arguments.frames or inputs.image.count) * arguments.loop
    status = 0
    with tqdm(total=total, desc="replay", unit="frame", file=sys.stderr) as bar:
        try:
            replay.run(bar.update)
        except KeyboardInterrupt:
            status = INTERRUPTED
        except NodeError as error:
            print(f"sam3d-ros replay: {error}", file=sys.stderr)
            status = 1
    finish(replay.figures, arguments.output)
    return status


def _bar(replay: InProcessReplay, total: int) -> Iterable[Answer]:
    bar: Iterable[Answer] = tqdm(replay, total=total, desc="replay", unit="frame", file=sys.stderr)
    return bar


def _prepare_output(output: Path, bag: Path) -> None:
    if output.exists() and not output.is_dir():
        raise UsageError(f"--output {output} is a file; choose a folder")
    if (output / "results.mcap").resolve() == bag.resolve():
        raise UsageError(f"--output {output} would overwrite the bag that is replayed; choose another folder")
    output.mkdir(parents=True, exist_ok=True)
