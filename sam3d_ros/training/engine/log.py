"""What a run tells while it goes on: TensorBoard, lines of JSON, a progress bar."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor
from tqdm import tqdm

from .errors import TrainingError


class RunLog:
    """Scalars and pictures of one run, and its progress bar with the time that is left."""

    def __init__(self, folder: Path, *, steps: int, first: int, name: str) -> None:
        """Raises TrainingError where TensorBoard is not installed."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise TrainingError(f"{error}; install the training extra: pip install 'sam3d_ros[train]'") from error
        self._writer: Any = SummaryWriter(str(folder / "tensorboard"), purge_step=first or None)
        self._lines = (folder / "log.jsonl").open("a", encoding="utf-8")
        self._bar = tqdm(total=steps, initial=first, desc=name, unit="step", smoothing=0.1)

    def step(self) -> None:
        """One step is done."""
        self._bar.update()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers at a step; the bar shows the loss."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._lines.write(json.dumps({"step": step, **values}) + "\n")
        self._lines.flush()
        self._bar.set_postfix(loss=f"{values.get('loss', float('nan')):.4f}", refresh=False)

    def pictures(self, step: int, pictures: Mapping[str, Tensor]) -> None:
        """Pictures [3, H, W] with values 0-1."""
        for name, picture in pictures.items():
            self._writer.add_image(name, picture, step)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
        self._lines.close()
        self._bar.close()
