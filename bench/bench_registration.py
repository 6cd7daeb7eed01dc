"""What settling an answer against the measured depth does to each object, beside the model's own answer.

    python bench/bench_registration.py --scenes 24 [--weights DIR] [--stray]

The scenes of `bench_completion`; every object is completed once as the model says it (`registration` none) and once
settled (surface), with the same seed. Printed are the share of the objects that come nearer to the truth, how many hits
(ADD-S below a tenth of the diameter) are lost and won, and how far diameters are off. Rejected objects are counted, and
compared only where both ways gave an answer.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from completion_methods import BackendMethod
from depth_camera import ORDINARY, STRAY, Flaws
from numpy.typing import NDArray
from scanned_scenes import DATA, ScannedObject, benchmark_objects, make_scene
from tqdm import tqdm

from sam3d_ros.pipeline.model_options import ModelOptions, RegistrationMode
from sam3d_ros.replay.scores.shape_score import ShapeScore, TruthSurface, score_mesh
from sam3d_ros.waiting_threads import wait_briefly

Values = NDArray[np.float64]

_FIGURES = (  # of ShapeScore, with a title, and whether more is better
    ("chamfer_mm", "Chamfer, mean mm", False),
    ("add_s_mm", "ADD-S, mean mm", False),
    ("f_5mm", "F at 5 mm", True),
    ("iou", "IoU", True),
    ("hidden_10mm", "hidden within 10 mm", True),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One object as the model says it, and settled."""

    own: ShapeScore
    settled: ShapeScore


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    wait_briefly()  # as the node does
    options = _parse(arguments)
    objects = benchmark_objects(options.data)
    methods = [
        BackendMethod(mode.value, "sam3d", ModelOptions(weights=options.weights, registration=mode))
        for mode in (RegistrationMode.NONE, RegistrationMode.SURFACE)
    ]
    seeds = range(options.seed, options.seed + options.scenes)
    for name, flaws in ({"ordinary": ORDINARY} | ({"stray": STRAY} if options.stray else {})).items():
        found = [found for seed in tqdm(seeds, desc=name) for found in _scene(objects, seed, flaws, methods)]
        print(_text(name, [pair for pair in found if pair], found.count(None)))


def _scene(
    objects: list[ScannedObject], seed: int, flaws: Flaws, methods: list[BackendMethod]
) -> Iterator[Pair | None]:
    """The objects of a scene; None for one that either way rejects."""
    scene = make_scene(objects, seed, flaws)
    surfaces = {item.label: TruthSurface.of(item, scene.true_frame) for item in scene.truth}
    answers = [method.answer(scene.frame, surfaces) for method in methods]
    for own, settled in zip(*answers, strict=True):
        if own.mesh is None or settled.mesh is None:
            yield None
        else:
            truth = surfaces[own.label]
            yield Pair(score_mesh(own.mesh, truth), score_mesh(settled.mesh, truth))


def _text(name: str, pairs: list[Pair], rejected: int) -> str:
    lines = [f"\n{name}: {len(pairs)} objects, {rejected} rejected", "", "| figure | none | surface | better in |"]
    lines.append("|---|---:|---:|---:|")
    for key, title, higher in _FIGURES:
        own, settled = _both(pairs, key)
        better = np.mean(settled > own if higher else settled < own)
        lines.append(f"| {title} | {np.nanmean(own):.3f} | {np.nanmean(settled):.3f} | {better:.0%} |")
    own, settled = (np.abs(ratio - 1) for ratio in _both(pairs, "scale_ratio"))
    medians = f"{np.median(own):.1%} | {np.median(settled):.1%}"
    lines.append(f"| error of the diameter, median | {medians} | {np.mean(settled < own):.0%} |")
    before, after = (hit > 0 for hit in _both(pairs, "add_s_below_tenth"))
    lost, won = np.sum(before & ~after), np.sum(after & ~before)
    return "\n".join([*lines, "", f"hits lost {lost}, won {won}, kept {np.sum(before & after)}"])


def _both(pairs: list[Pair], key: str) -> tuple[Values, Values]:
    """A figure of all objects [N], as the model says them and settled."""
    own, settled = ([getattr(getattr(pair, way), key) for pair in pairs] for way in ("own", "settled"))
    return np.array(own), np.array(settled)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1000, help="of the first scene; the others follow")
    parser.add_argument("--weights", type=Path, help="folder of weights (default: that of the package)")
    parser.add_argument("--stray", action="store_true", help="also with large masks and bad borders")
    parser.add_argument("--data", type=Path, default=DATA)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
