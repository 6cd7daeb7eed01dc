"""Checkpoints that are whole at every moment: a run killed while it saves has the one before."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from .errors import TrainingError

CHECKPOINT = "checkpoint.pt"


def save_checkpoint(folder: Path, content: dict[str, Any]) -> None:
    """Write beside the last checkpoint, to the disk, and only then take its place."""
    partial = folder / f"{CHECKPOINT}.partial"
    with partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / CHECKPOINT)
    _sync_folder(folder)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The last whole checkpoint, on the CPU; None where the run has none yet. Executes no code of the file.

    Raises TrainingError for a file that is no checkpoint.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(f"{path}: no checkpoint ({error}); remove it to start again") from error
    return content


def random_states() -> dict[str, Any]:
    """States of torch's generators; what training draws itself follows from positions and not from these."""
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_random_states(states: dict[str, Any]) -> None:
    """Set torch's generators as they were."""
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
