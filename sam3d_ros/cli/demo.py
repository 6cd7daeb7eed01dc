"""`sam3d-ros demo`: a synthetic tabletop scene through the real node, and a report with pictures."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from ..replay.bags.bag import Bag
from ..replay.runs.local_traffic import keep_local
from ..replay.runs.node_process import NodeError, end_on_sigterm
from ..replay.truth.truth_object import TruthObject
from ..tracking import ObjectState, SceneObject, SceneUpdate
from . import UsageError
from .model_arguments import add_model_arguments, node_parameters
from .replay import INTERRUPTED, finish

if TYPE_CHECKING:
    from ..node.live_replay import LiveReplay
    from ..replay.frames.results import FrameRecord
    from ..training.synthetic import SequenceConfig, SyntheticFrame

PROPS = ("mug", "cereal_box", "banana", "duck", "can", "bowl", "bottle")
TARGET_FRAME = "map"
SEED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, default=Path("out/demo"), metavar="OUT", help="default: out/demo")
    parser.add_argument("--seed", type=_seed, default=SEED, metavar="N", help=f"another scene (default {SEED})")
    parser.add_argument("--frames", type=_frames, default=48, metavar="N", help="length of the bag (default 48)")
    parser.add_argument("--film-only", action="store_true", help="only make the bag, for demo.launch.py")
    parser.add_argument("--rate", type=_rate, default=6.0, metavar="HZ", help="frames per second (default 6)")
    add_model_arguments(parser)


@dataclass(slots=True)
class _Truth:
    """True objects by image stamp."""

    by_stamp: dict[int, tuple[TruthObject, ...]] = field(default_factory=dict)

    def note(self, shot: SyntheticFrame) -> None:
        self.by_stamp[shot.frame.stamp_ns] = shot.truth


def run(arguments: argparse.Namespace) -> int:
    """Bag, node, replay, report; 0 only when objects came out of the node."""
    end_on_sigterm()
    model = node_parameters(arguments)
    output = _prepared(arguments.output)
    keep_local(output)
    started = time.monotonic()
    try:
        truth = _film(output / "scene.mcap", arguments)
        if arguments.film_only:
            print(f"bag        {output / 'scene.mcap'}")
            return 0
        replay = _replay(output, arguments.frames, model)
        records = _report(output, replay, truth, arguments)
    except NodeError as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        print("\nsam3d-ros demo: interrupted", file=sys.stderr)
        return INTERRUPTED
    finish(replay.figures, output)
    return _judge(output, replay, records, time.monotonic() - started)


def _film(path: Path, arguments: argparse.Namespace) -> _Truth:
    """Write the bag of the scene."""
    # Rendering brings Open3D; `--help` shall not wait for it.
    from ..training.synthetic.bag import write_sequence, write_truth

    truth, config = _Truth(), sequence(arguments.seed, arguments.frames, arguments.rate)
    with _bar("1/3 scene ", config.frames) as bar:

        def on_frame(shot: SyntheticFrame) -> None:
            truth.note(shot)
            bar.update()

        write_sequence(path, config, on_frame=on_frame)
    write_truth(path, config.scene)
    return truth


def sequence(seed: int, frames: int, rate: float) -> SequenceConfig:
    """The filmed scene of the demo."""
    from ..training.synthetic import CameraPath, SceneConfig, SequenceConfig

    return SequenceConfig(SceneConfig(seed=seed, props=PROPS), CameraPath(seed=seed), frames=frames, rate=rate)


def _replay(output: Path, frames: int, model: dict[str, str]) -> LiveReplay:
    """Play the bag to the node, which runs as its own process with these parameters of the model."""
    try:
        from ..node.live_replay import LiveConfig, LiveReplay
    except ImportError as error:
        raise UsageError(f"ROS is not importable ({error}); run `make setup`, or source your ROS workspace") from error
    from ..replay.bags.topics import find_inputs

    parameters = {**model, "target_frame": TARGET_FRAME}
    with Bag(output / "scene.mcap") as bag, _bar("2/3 replay", frames) as bar:
        replay = LiveReplay(bag, find_inputs(bag.topics, {}), LiveConfig(output, parameters))
        replay.run(bar.update)
    print(f"node {replay.node_pid} and player {os.getpid()} were separate processes, joined by DDS only")
    return replay


def _report(output: Path, replay: LiveReplay, truth: _Truth, arguments: argparse.Namespace) -> list[FrameRecord]:
    """GLB files and the HTML report, from what the node published."""
    from ..replay.bags.topics import find_inputs
    from ..replay.report.page import ReportOptions, write_report
    from ..replay.runs.live_records import published_records

    print("3/3 report ...", file=sys.stderr)
    with Bag(output / "scene.mcap") as bag:
        inputs = find_inputs(bag.topics, {})
        records = published_records(bag, inputs, replay.updates, target_frame=TARGET_FRAME, truth=truth.by_stamp)
    _write_meshes(output / "meshes", replay.updates)
    figures = replay.figures
    summary = {
        "backend": arguments.backend,
        "frames sent": figures.frames_in,
        "frames answered": figures.frames_done,
        "objects": len(figures.objects),
    }
    if records:
        title = "Demo: a tabletop through the ROS 2 node"
        write_report(
            output, records, title=title, summary=summary, options=ReportOptions(picture_frames=6, measured_frames=10)
        )
    return records


def _write_meshes(folder: Path, updates: dict[int, SceneUpdate]) -> None:
    """One GLB for each object, as it was published last."""
    from ..geometry.mesh_io import write_mesh

    folder.mkdir(exist_ok=True)
    for old in folder.glob("object_*.glb"):
        old.unlink()
    newest = {item.object_id: item for update in updates.values() for item in update.objects}
    for item in newest.values():
        write_mesh(folder / f"{_name(item)}.glb", item.mesh)


def _name(item: SceneObject) -> str:
    kind = re.sub(r"\W", "_", item.detection.class_id) if item.detection else "unknown"
    return f"object_{item.object_id}_{kind}"


def _judge(output: Path, replay: LiveReplay, records: list[FrameRecord], seconds: float) -> int:
    """Print where everything is; 1 with the reason where no finished object came out."""
    final = [item for record in records for item in record.update.objects if item.state is not ObjectState.COARSE]
    if not any(len(item.mesh.triangles) for item in final):
        reasons = ", ".join(f"{name} {count}" for name, count in replay.figures.rejections.items()) or "no answers"
        return _failed(f"no finished object came out of the node ({reasons}); its log is {output / 'node.log'}")
    meshes = len(list((output / "meshes").glob("object_*.glb")))
    print(f"meshes     {output / 'meshes'}  ({meshes} GLB files)")
    print(f"bag        {output / 'scene.mcap'}")
    print(f"report     {(output / 'report.html').resolve()}")
    print(f"done in {seconds:.0f} s")
    return 0


def _failed(reason: str) -> int:
    print(f"sam3d-ros demo: {reason}", file=sys.stderr)
    return 1


def _prepared(output: Path) -> Path:
    if output.exists() and not output.is_dir():
        raise UsageError(f"--output {output} is a file; choose a folder")
    output.mkdir(parents=True, exist_ok=True)
    return output


def _bar(what: str, total: int) -> tqdm[int]:
    return tqdm(range(total), desc=what, unit="frame", file=sys.stderr)


def _seed(text: str) -> int:
    return _at_least(0, text)


def _frames(text: str) -> int:
    return _at_least(2, text)


def _rate(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 60:
        raise argparse.ArgumentTypeError(f"must lie in 0.1..60, got {text}")
    return value


def _at_least(lowest: int, text: str) -> int:
    value = int(text)
    if value < lowest:
        raise argparse.ArgumentTypeError(f"must be {lowest} or more, got {text}")
    return value
