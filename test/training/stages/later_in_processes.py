"""Trains the stages of `test_two_processes` in as many processes as torchrun starts, from a start that is there."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from later_rig import RUN, SETTINGS, StopsAfter, toy_work  # noqa: E402

from sam3d_ros.training.stages.distill import DistillSettings  # noqa: E402
from sam3d_ros.training.stages.distill_run import distill  # noqa: E402
from sam3d_ros.training.stages.dpo import DpoSettings  # noqa: E402
from sam3d_ros.training.stages.dpo_run import dpo_pairs  # noqa: E402
from sam3d_ros.training.stages.kinds_run import midtrain  # noqa: E402

torch.set_num_threads(1)
runs, start = Path(sys.argv[1]), Path(sys.argv[1]) / "geometry"
work, run, steps = toy_work(runs), replace(RUN, steps=100, log_every=1), 3
midtrain(work, replace(SETTINGS, run=run), StopsAfter(steps), start)
dpo_pairs(work, DpoSettings(run=run, margin=0.0), StopsAfter(steps), start)
distill(work, DistillSettings(run=run), StopsAfter(steps), start)
