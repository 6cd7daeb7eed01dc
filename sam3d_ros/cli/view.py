"""`sam3d-ros view`: a bag or the running node in the browser."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ..replay.bags.bag import Bag, BagError
from ..replay.bags.result_topics import CameraTopics, ResultTopics, find_camera, find_results
from ..replay.bags.topics import find_inputs
from ..replay.runs.node_process import end_on_sigterm
from ..viewer.camera_view import POINT_BUDGET
from ..viewer.errors import ViewerError
from ..viewer.server import import_viser
from ..viewer.timeline import Pace, Timeline
from ..viewer.viewer import Viewer, open_viewer, show_for
from . import UsageError
from .bag_arguments import TOPICS_HELP, given_topics, loaded_tracker, say_inputs
from .model_arguments import add_model_arguments, model_options
from .number_arguments import count, positive

FRAMES = 1000  # kept of a bag, about 1 MB each
LIVE_FRAMES = 200
NAMESPACE = "/sam3d"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", type=Path, nargs="?", metavar="BAG", help=".mcap or .db3 file, or a recording's folder")
    parser.add_argument("--ros", action="store_true", help="show what the running node publishes; needs ROS 2")
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="default 127.0.0.1: this machine only")
    parser.add_argument("--port", type=_port, default=8080, metavar="N", help="default 8080; 0 for any that is free")
    parser.add_argument("--target-frame", default="", metavar="FRAME", help="frame to show the scene in, from TF")
    parser.add_argument("--topics", nargs="+", default=(), metavar="ROLE:=TOPIC", help=TOPICS_HELP)
    parser.add_argument(
        "--namespace",
        default="",
        metavar="NAME",
        help=f"of the node whose results are shown (default {NAMESPACE}; for a bag the only one in it)",
    )
    parser.add_argument(
        "--frames", type=count, default=FRAMES, metavar="N", help=f"only the first N of a bag (default {FRAMES})"
    )
    parser.add_argument(
        "--points",
        type=count,
        default=POINT_BUDGET,
        metavar="N",
        help=f"at most N points of the scene (default {POINT_BUDGET})",
    )
    parser.add_argument("--seconds", type=positive, default=math.inf, metavar="N", help="end by itself after N seconds")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of everything random")
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C or for --seconds; 0 in both cases."""
    if arguments.ros == (arguments.bag is not None):
        raise UsageError("give a BAG to show a recording, or --ros to show the running node")
    model_options(arguments)
    end_on_sigterm()
    try:
        import_viser()
        deadline = time.monotonic() + arguments.seconds
        if arguments.ros:
            _view_node(arguments, deadline)
        else:
            with Bag(arguments.bag) as bag:
                _view_bag(bag, arguments, deadline)
    except (BagError, ViewerError) as error:
        raise UsageError(str(error)) from error
    except KeyboardInterrupt:
        print("viewer closed", file=sys.stderr)
    return 0


def _view_bag(bag: Bag, arguments: argparse.Namespace, deadline: float) -> None:
    given = given_topics(arguments.topics)
    results = find_results(bag.topics, namespace=arguments.namespace)
    if results is None:
        _compute(bag, arguments, deadline)
        return
    print(f"the bag has results on {results.objects.name}: they are shown as recorded, nothing is computed")
    found = find_camera(bag.topics, given)
    if isinstance(found, str):
        print(f"no scene points and no picture: the bag has no {found} (--topics ROLE:=NAME names them)")
    camera = None if isinstance(found, str) else found
    _play(bag, results, camera, arguments)


def _play(
    bag: Bag,
    results: ResultTopics,
    camera: CameraTopics | None,
    arguments: argparse.Namespace,
) -> None:
    """Show results as they were recorded; --seconds count from when they are read."""
    from ..viewer.recorded import RecordedFrames

    frames = RecordedFrames(bag, results, camera, target_frame=arguments.target_frame, point_budget=arguments.points)
    timeline = Timeline(arguments.frames, Pace.RECORDED)
    with _open(arguments, timeline, f"{arguments.bag.name}: results as recorded") as viewer:
        viewer.say("the results are being read")
        cut = False
        for frame in frames:
            cut = timeline.is_full
            if cut:
                break
            viewer.put(frame)
            viewer.check()
        timeline.complete()
        viewer.say(*_end_of_bag(timeline, cut=cut))
        show_for(viewer, time.monotonic() + arguments.seconds)


def _compute(bag: Bag, arguments: argparse.Namespace, deadline: float) -> None:
    """Run the pipeline over the bag and show its answers as they come."""
    # Open3D and torch take seconds to import; a bag with results needs neither.
    from ..replay.runs.in_process import InProcessReplay, ReplayConfig
    from ..viewer.computed import AnswerFrames

    inputs = find_inputs(bag.topics, given_topics(arguments.topics))
    print(f"the bag has no results: its frames go through the pipeline (--backend {arguments.backend})")
    say_inputs(inputs)
    print("the model is being loaded", flush=True)
    tracker = loaded_tracker(arguments)
    timeline = Timeline(arguments.frames, Pace.RECORDED)
    frames = AnswerFrames(point_budget=arguments.points)
    with _open(arguments, timeline, f"{arguments.bag.name}: computed here, backend {arguments.backend}") as viewer:
        viewer.say("frames are being reconstructed")
        replay = InProcessReplay(
            bag,
            inputs,
            tracker,
            ReplayConfig(arguments.target_frame, max_frames=arguments.frames),
            on_progress=lambda answer: viewer.put(frames.frame(answer)),
        )
        for answer in replay:
            viewer.put(frames.frame(answer))
            viewer.check()
            if time.monotonic() > deadline:
                break
        tracker.unload()
        timeline.complete()
        viewer.say(*_end_of_bag(timeline, cut=inputs.image.count > arguments.frames))
        show_for(viewer, deadline)


def _view_node(arguments: argparse.Namespace, deadline: float) -> None:
    """Show what the node publishes over DDS."""
    # Only this mode needs rclpy.
    try:
        from ..node.live_view import LiveViewConfig, show_node
    except ModuleNotFoundError as error:
        raise UsageError(f"--ros needs ROS 2, and {error.name} is missing: source your ROS installation") from error

    config = LiveViewConfig(
        arguments.namespace or NAMESPACE, given_topics(arguments.topics), arguments.target_frame, arguments.points
    )
    timeline = Timeline(LIVE_FRAMES, Pace.NEWEST)
    with _open(arguments, timeline, f"live: node {config.node_name}") as viewer:
        show_node(viewer, config, deadline)


@contextlib.contextmanager
def _open(arguments: argparse.Namespace, timeline: Timeline, source: str) -> Iterator[Viewer]:
    """The page, with its address printed."""
    with open_viewer(arguments.host, arguments.port, timeline, source) as viewer:
        print(f"open {viewer.address} in a browser; Ctrl-C ends the viewer", flush=True)
        yield viewer


def _end_of_bag(timeline: Timeline, *, cut: bool) -> tuple[str, ...]:
    if not len(timeline):
        return ("the bag holds no frame that could be shown",)
    if cut:
        return (f"only the first {len(timeline)} frames are shown; --frames N shows another number",)
    return ()


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value < 65536:
        raise argparse.ArgumentTypeError(f"must lie in 0..65535, got {text}")
    return value
