"""The stages after the first in two processes: what is logged is what one process logs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from later_rig import StopsAfter, toy_work, write_start

from sam3d_ros.training.stages.candidates import Proposing
from sam3d_ros.training.stages.conditioned import ConditionedGeometry, load_geometry

pytest.importorskip("lightning_fabric", reason="training needs the extra `train`")
pytest.importorskip("tensorboard", reason="training needs the extra `train`")

SCRIPT = Path(__file__).with_name("later_in_processes.py")


def train(runs: Path, processes: int) -> dict[str, list[dict[str, float]]]:
    """Log of each stage."""
    write_start(runs)
    work = toy_work(runs)
    objective = load_geometry(runs / "geometry", runs, ConditionedGeometry)
    few = Proposing(views=8, candidates=3, steps=2)
    numbers = list(range(8))
    assert work.candidates(runs / "geometry" / "round-1" / "candidates", objective, numbers, few, StopsAfter(100))
    command = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", str(SCRIPT), str(runs)]
    ran = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr[-3000:]
    stages = ("midtrain", "dpo", "distill")
    return {stage: [json.loads(line) for line in (runs / stage / "log.jsonl").open()] for stage in stages}


@pytest.mark.slow
def test_two_processes_log_what_one_does(tmp_path):
    one, two = (train(tmp_path / str(processes), processes) for processes in (1, 2))
    for stage, lines in one.items():
        assert [line["step"] for line in lines] == [line["step"] for line in two[stage]] == [1, 2, 3]
        for a, b in zip(lines, two[stage], strict=True):
            assert b["loss"] == pytest.approx(a["loss"], rel=1e-3), stage
            assert b["gradient_norm"] == pytest.approx(a["gradient_norm"], rel=2e-3), stage
