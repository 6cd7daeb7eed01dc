"""How good completed objects are, beside what costs nothing: the figures of the model card.

    python bench/bench_completion.py --scenes 24
    python bench/bench_completion.py --methods visible,hull,geometric,sam3d --weights pretrain=DIR,distill=DIR \
        --steps 1,4 --teacher sft=DIR --stray --output runs/bench/NAME

Scenes of scanned objects that no training saw (`scanned_scenes`), through a depth camera model of their own
(`depth_camera`); all methods see the same frames. Everything is compared in the camera optical frame, in metres,
without any alignment, on 10,000 points of either surface, from each to the nearest place of the other surface:

- Chamfer distance: mean of the two directed mean distances, truth to result and result to truth;
- F at 5 mm: harmonic mean of the shares of either surface within 5 mm of the other;
- hidden within 10 mm: share of the true surface that the camera does not see (turned away, behind itself or behind
  something else) within 10 mm of the result; deeply hidden is what of it is more than 5 mm from all seen surface;
- IoU: common over joint volume, counted in 64 cells along the longest edge of the joint box;
- ADD-S below 0.1 d: share of objects for which the mean distance from the true surface at its true pose to the nearest
  place of the resulting surface at its resulting pose is below a tenth of the true diameter;
- closed: share of meshes in which each edge has one triangle on either side, turned alike, around a positive volume.

Rejected objects stay in every mean: nothing found, not closed, a Chamfer distance of half the diameter. Intervals are
95 % percentiles over scenes drawn with replacement. `visible points` and their hull are what is left after stray depth
was removed; the other two rows take all depth in the mask. Time is that of the wall clock with the threads that torch
takes, warm, on a machine that should have nothing else to do. `--stray` adds the same scenes with larger masks and
worse borders.

With `--output` every scene is written as soon as it is measured (`rows.jsonl`), and a second call with the same folder
measures only what is missing: a run goes on after an interruption, and methods are added to a table by and by. Methods
that have not answered all scenes of the table are left out. Weights that changed need a new name or a new folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from completion_measure import measure_scene
from completion_methods import BASELINES, METHODS, Method, MethodMaker, sam3d_makers, sam3d_name
from completion_rows import RowStore
from completion_tables import markdown, ratio_table, ratios, summary
from depth_camera import ORDINARY, STRAY, Flaws
from scanned_scenes import DATA, benchmark_objects, make_scene, scene_name
from tqdm import tqdm

from sam3d_ros.pipeline.model_options import SHIPPED
from sam3d_ros.waiting_threads import wait_briefly


def main(arguments: list[str] | None = None) -> None:
    wait_briefly()  # as the node does
    options = _parse(arguments)
    objects = benchmark_objects(options.data)
    store = RowStore(options.output)
    methods = _Methods(_makers(options))
    seeds = range(options.seed, options.seed + options.scenes)
    for name, flaws in _sets(options).items():
        for seed in tqdm(seeds, desc=name):
            if missing := methods.but(store.measured(name, scene_name(seed))):
                store.add(name, measure_scene(make_scene(objects, seed, flaws), missing))
    sets = {name: _summed_up(options, store, name, seeds) for name in _sets(options)}
    print("\n".join(_text(name, found) for name, found in sets.items()))
    if options.output:
        _write(options, sets)


class _Methods:
    """Methods by name, made when they are first asked for: weights are loaded only where they are used."""

    def __init__(self, makers: Mapping[str, MethodMaker]) -> None:
        self._makers = makers
        self._made: dict[str, Method] = {}

    def but(self, done: Collection[str]) -> list[Method]:
        """All methods except those that are done."""
        names = [name for name in self._makers if name not in done]
        self._made |= {name: self._makers[name]() for name in names if name not in self._made}
        return [self._made[name] for name in names]


def _summed_up(options: argparse.Namespace, store: RowStore, name: str, seeds: range) -> dict[str, Any]:
    table = summary(store.of(name, {scene_name(seed) for seed in seeds}))
    return {"flaws": asdict(_sets(options)[name]), "methods": table, "ratios": _ratios(options, table)}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1000, help="of the first scene; the others follow")
    parser.add_argument("--methods", type=_methods_of, default=",".join(METHODS), help=", ".join(METHODS))
    parser.add_argument(
        "--weights",
        type=_weights,
        default=[],
        metavar="[NAME=]DIR,...",
        help="of sam3d, by stage (default: those of the package)",
    )
    parser.add_argument("--steps", type=_numbers, default=[4], metavar="N,...", help="of sam3d (default 4)")
    parser.add_argument("--teacher", type=_weights, default=[], metavar="[NAME=]DIR", help="compared with at 25 steps")
    parser.add_argument("--refined", action="store_true", help="also with the second stage of the last weights")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--stray", action="store_true", help="also with large masks and bad borders")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--output", type=Path, help="folder for results.json and results.md")
    options = parser.parse_args(arguments)
    if "sam3d" in options.methods and not options.weights:
        options.weights = [("sam3d", SHIPPED)]
    return options


def _methods_of(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in METHODS]:
        raise argparse.ArgumentTypeError(f"no method is called {unknown[0]!r}; there are {', '.join(METHODS)}")
    return names


def _weights(text: str) -> list[tuple[str, Path]]:
    """Names and folders of NAME=DIR or DIR, whose name is then that of the folder."""
    pairs = [item.rpartition("=")[::2] for item in text.split(",")]
    return [(name or Path(folder).name, Path(folder)) for name, folder in pairs]


def _numbers(text: str) -> list[int]:
    return [int(item) for item in text.split(",")]


def _sets(options: argparse.Namespace) -> dict[str, Flaws]:
    return {"ordinary": ORDINARY} | ({"stray": STRAY} if options.stray else {})


def _makers(options: argparse.Namespace) -> dict[str, MethodMaker]:
    makers = {name: maker for group in options.methods for name, maker in BASELINES.get(group, {}).items()}
    if "sam3d" in options.methods:
        makers |= sam3d_makers(options.weights, options.steps, device=options.device)
        makers |= sam3d_makers(options.teacher, [25], device=options.device)
        if options.refined:
            makers |= sam3d_makers(options.weights[-1:], options.steps, device=options.device, refine=True)
    return makers


def _ratios(options: argparse.Namespace, table: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Quality of the last weights at each number of steps, as a share of the teacher's or their own at the most."""
    if "sam3d" not in options.methods:
        return {}
    last, most = options.weights[-1][0], max(options.steps)
    full = sam3d_name(options.teacher[0][0], 25) if options.teacher else sam3d_name(last, most)
    fast = [sam3d_name(last, steps) for steps in options.steps]
    known = {entry["method"] for entry in table}
    return {f"{name} / {full}": ratios(table, name, full) for name in fast if name != full and {name, full} <= known}


def _text(name: str, found: dict[str, Any]) -> str:
    tables = [ratio_table(pair, shares) for pair, shares in found["ratios"].items()]
    return "\n".join([markdown(f"{name} scenes", found["methods"]), *tables])


def _write(options: argparse.Namespace, sets: dict[str, Any]) -> None:
    options.output.mkdir(parents=True, exist_ok=True)
    settings = {key: _plain(value) for key, value in vars(options).items() if key not in ("data", "output")}
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    content = {"settings": settings, "machine": machine, "sets": sets}
    (options.output / "results.json").write_text(json.dumps(content, indent=1) + "\n")
    (options.output / "results.md").write_text("\n".join(_text(name, found) for name, found in sets.items()))


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool) else json.loads(json.dumps(value, default=str))


if __name__ == "__main__":
    main()
