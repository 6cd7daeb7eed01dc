"""Antipodal grasps planned on completed meshes and on visible points alone, tried on the true meshes.

    python bench/bench_grasps.py --scenes 24 [--weights DIR] [--pictures FILE]

The scenes of `bench_completion`. Every planner sees the same frame and the same plane of the table, plans on what it
believes of all objects, and ranks its grasps by the same rule, without the truth. The ten best are then carried out on
the true meshes. What the words of the tables mean stands in docs/grasps.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from completion_methods import Answer
from grasp_beliefs import TRUTH, Plan, Planner, make_planners, seen_table, truth_planner
from grasp_candidates import HAND
from grasp_pictures import Example, draw_examples
from grasp_tables import Row, empty_table, failure_table, main_table, pair_table
from grasp_verdicts import Outcome, TrueScene, judge
from scanned_scenes import DATA, BenchScene, ScannedObject, benchmark_objects, make_scene
from tqdm import tqdm

from sam3d_ros.waiting_threads import wait_briefly

_TRIED = 10  # best grasps
_DRAWN = ("points, fingers beside them", "hull of visible points", "sam3d")


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """A plan and what became of its best grasps."""

    planner: str
    plan: Plan
    outcomes: tuple[Outcome, ...]


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and draw."""
    wait_briefly()  # as the node does
    options = _parse(arguments)
    objects, planners = benchmark_objects(options.data), make_planners(options.weights)
    rows: list[Row] = []
    examples: list[Example] = []
    for seed in tqdm(range(options.seed, options.seed + options.scenes)):
        found_rows, found_examples = _measure(objects, seed, planners)
        rows += found_rows
        examples += found_examples if options.pictures else []
    print(_text(rows))
    if options.pictures:
        draw_examples(_telling(examples, options.examples)).save(options.pictures, quality=85)


def _measure(objects: list[ScannedObject], seed: int, planners: list[Planner]) -> tuple[list[Row], list[Example]]:
    """All planners on the scene of a seed: a row for each object and planner, and an example for each object."""
    scene = make_scene(objects, seed)
    truth = TrueScene.of(scene)
    tried = list(_try_all(scene, truth, planners, seed))
    rows = [Row(one.planner, seed, one.plan.label, one.outcomes, one.plan.milliseconds) for one in tried]
    return rows, [_example(scene, truth, item.label, item.name, tried) for item in scene.truth]


def _try_all(scene: BenchScene, truth: TrueScene, planners: list[Planner], seed: int) -> Iterator[_Tried]:
    """Every planner's best grasps for every object of a scene, carried out; last those of the planner that knows."""
    labels = [item.label for item in scene.truth]
    seen = seen_table(scene.frame)
    for planner, table in [*((planner, seen) for planner in planners), (truth_planner(truth), truth.table)]:
        for plan in planner.plans(scene.frame, labels, table, seed):
            if plan.grasps is None:
                yield _Tried(planner.name, plan, ())
            else:
                best = plan.grasps.chosen(np.arange(min(_TRIED, len(plan.grasps))))
                yield _Tried(planner.name, plan, judge(best, HAND, truth, plan.label))


def _text(rows: list[Row]) -> str:
    count = len({row.object for row in rows})
    tables = [main_table(rows), failure_table(rows), pair_table(rows, "sam3d", TRUTH), empty_table(rows, TRUTH)]
    return "\n".join([f"{count} objects in {len({row.scene for row in rows})} scenes\n", *tables])


def _example(scene: BenchScene, truth: TrueScene, label: int, name: str, tried: list[_Tried]) -> Example:
    x, y, z = (float(value) for value in truth.table.normal_xyz)
    answer = Answer(label, mesh=truth.meshes[label], up=(x, y, z))
    plans = [one for one in tried if one.plan.label == label and one.planner in _DRAWN]
    return Example(name, scene.frame, answer, tuple((one.planner, one.plan, one.outcomes) for one in plans))


def _telling(examples: list[Example], count: int) -> list[Example]:
    """Half of them objects that only the completed mesh gets right at first, half those that only the points do."""
    points, _, completed = _DRAWN
    won, lost, rest = [], [], []
    for example in examples:
        holds = [example.first(name) is Outcome.HOLDS for name in (points, completed)]
        (won if holds == [False, True] else lost if holds == [True, False] else rest).append(example)
    half = count // 2
    return ([*won[:half], *lost[: count - half], *rest])[:count]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1000, help="of the first scene; the others follow")
    parser.add_argument("--weights", type=Path, help="folder of weights (default: that of the package)")
    parser.add_argument("--pictures", type=Path, help="file for a picture of some examples")
    parser.add_argument("--examples", type=int, default=8, help="objects in the picture")
    parser.add_argument("--data", type=Path, default=DATA)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
