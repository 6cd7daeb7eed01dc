"""Trains the structure stage of `test_trainer` in as many processes as torchrun starts: folder -> log."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from test_trainer import trainer  # noqa: E402

torch.set_num_threads(1)
trainer(Path(sys.argv[1])).run()
