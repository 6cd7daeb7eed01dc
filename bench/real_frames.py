"""Real frames through a backend: nothing may fail, and every answer is drawn to be looked at.

    python bench/real_frames.py [--output runs/bench/real]
    python bench/real_frames.py --backend geometric
    python bench/real_frames.py --backend sam3d --weights DIR --steps 4 --grow 0,3,6

Writes one sheet a frame (the image with its masks, the meshes over the image, and each object from the camera, from the
side, from behind and from above), `results.json` and `results.md`. Where pose and mesh of an instance are known its
figures are those of `bench_completion`, beside the convex hull of all depth in its mask and of what is left without
stray depth. `--grow` takes masks that many pixels larger, whose borders then hold depth of what is behind; 0 are the
masks as they are. Exits with 1 where a mesh is not closed.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from completion_measure import Row, score
from completion_methods import Answer, BackendMethod, Method, PointsMethod, sam3d_name
from completion_tables import markdown, summary
from frame_sheet import draw_sheet
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from tqdm import tqdm

from sam3d_ros.pipeline import Frame
from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.pipeline.model_options import ModelOptions, Sampling
from sam3d_ros.replay.frames.frame_folder import is_frame_folder, load_frame, load_truth
from sam3d_ros.replay.scores.shape_score import TruthSurface
from sam3d_ros.replay.truth.truth_object import TruthObject
from sam3d_ros.waiting_threads import wait_briefly

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "rgbd_real"


@dataclass(frozen=True, slots=True, eq=False)
class RealFrame:
    """A frame with masks as they are given, and what is true of some of its instances."""

    name: str
    frame: Frame
    truth: tuple[TruthObject, ...]


def main(arguments: list[str] | None = None) -> None:
    wait_briefly()  # as the node does
    options = _parse(arguments)
    if not options.frames.is_dir():
        raise SystemExit(f"no real frames in {options.frames}; name their folder with --frames")
    frames = load_frames(options.frames)
    method = _method(options)
    options.output.mkdir(parents=True, exist_ok=True)
    found = {pixels: _run(frames, method, pixels, options.output) for pixels in options.grow}
    _write(options.output, method.name, found)
    if failures := [line for part in found.values() for line in part["failures"]]:
        raise SystemExit("\n".join(failures))


def load_frames(folder: Path) -> list[RealFrame]:
    """The frame folders in a folder, by name."""
    folders = sorted(item for item in folder.iterdir() if item.is_dir() and is_frame_folder(item))
    return [RealFrame(item.name, load_frame(item), load_truth(item)) for item in folders]


def grown(labels: NDArray[np.int32], pixels: int) -> NDArray[np.int32]:
    """A label image [H, W] whose masks are that many pixels larger; the nearest mask wins where they meet."""
    if pixels == 0:
        return labels
    distance, nearest = ndimage.distance_transform_edt(labels == 0, return_indices=True)
    larger: NDArray[np.int32] = np.where(distance <= pixels, labels[nearest[0], nearest[1]], 0).astype(np.int32)
    return larger


def measure_frame(real: RealFrame, method: Method, pixels: int) -> tuple[list[Answer], list[Row], Frame]:
    """Answers to all masks grown by some pixels, figures of instances with a truth, and the frame that was asked."""
    frame = real.frame
    asked = Frame(frame.color, frame.pointmap, grown(frame.labels, pixels), frame.camera)
    answers = method.answer(asked, asked.instance_labels())
    rows = []
    for truth in real.truth:
        surface = TruthSurface.of(truth, frame)
        names = (real.name, truth.name, truth.category or truth.name)
        rows += [score(a, surface, (*names, method.name)) for a in answers if a.label == truth.label]
        for baseline in _baselines():
            rows += [score(a, surface, (*names, baseline.name)) for a in baseline.answer(asked, [truth.label])]
    return answers, rows, asked


def _baselines() -> list[Method]:
    return [
        PointsMethod("hull of visible points", clean=True, hull=True),
        PointsMethod("hull of all depth in the mask", clean=False, hull=True),
    ]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", choices=("geometric", "sam3d"), default="sam3d")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="of sam3d (default: those of the package)")
    parser.add_argument("--steps", type=int, default=0, help="of sam3d (default: what its weights usually take)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--grow", type=lambda text: [int(item) for item in text.split(",")], default=[0])
    parser.add_argument("--frames", type=Path, default=DATA)
    parser.add_argument("--output", type=Path, default=Path("runs/bench/real"))
    return parser.parse_args(arguments)


def _method(options: argparse.Namespace) -> Method:
    if options.backend == "geometric":
        return BackendMethod("geometric", "geometric")
    sampling = Sampling.FAST if options.steps else Sampling.AUTO
    model = ModelOptions(weights=options.weights, device=options.device, sampling=sampling, steps=options.steps)
    return BackendMethod(sam3d_name("sam3d", options.steps) if options.steps else "sam3d", "sam3d", model)


def _run(frames: list[RealFrame], method: Method, pixels: int, output: Path) -> dict[str, Any]:
    rows: list[Row] = []
    objects: list[dict[str, Any]] = []
    failures: list[str] = []
    for real in tqdm(frames, desc=f"masks grown by {pixels} px"):
        answers, scored, asked = measure_frame(real, method, pixels)
        rows += scored
        for answer in answers:
            closed = is_watertight(answer.mesh) if answer.mesh else None
            entry = {"frame": real.name, "label": answer.label, "closed": closed, "rejected": answer.rejected}
            objects.append(entry | {"milliseconds": answer.milliseconds})
            if closed is False:
                failures.append(f"{real.name}, object {answer.label}: the mesh is not closed")
        sheet = draw_sheet(asked, answers)
        Image.fromarray(sheet).save(output / f"{real.name}_grown_{pixels}.webp", quality=88)
    return {"rows": rows, "objects": objects, "failures": failures}


def _write(output: Path, method: str, found: dict[int, dict[str, Any]]) -> None:
    text = [f"# Real frames: {method}\n"]
    content = {}
    for pixels, part in found.items():
        table = summary(part["rows"]) if part["rows"] else []
        rejected = [f"- {o['frame']}, object {o['label']}: {o['rejected']}" for o in part["objects"] if o["rejected"]]
        milliseconds = [o["milliseconds"] for o in part["objects"]]
        text.append(
            f"Masks grown by {pixels} px: {len(part['objects'])} masks, {len(rejected)} rejected, "
            f"{len(part['failures'])} meshes not closed, median {np.median(milliseconds):.0f} ms.\n"
        )
        text += rejected
        text.append(markdown(f"Instances with a truth, masks grown by {pixels} px", table))
        objects = part["objects"]
        content[str(pixels)] = {"methods": table, "rows": [asdict(row) for row in part["rows"]], "objects": objects}
    (output / "results.md").write_text("\n".join(text))
    (output / "results.json").write_text(json.dumps(content, indent=1) + "\n")
    print("\n".join(text))


if __name__ == "__main__":
    main()
