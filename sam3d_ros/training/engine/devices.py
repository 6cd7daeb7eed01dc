"""Processes, devices and precision of a run, by way of Lightning Fabric."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import torch

from .errors import TrainingError

PRECISIONS = ("auto", "bf16-mixed", "32-true")


def make_fabric(precision: str, *, devices: int | str = "auto") -> Any:
    """A launched Fabric: one process, or those that torchrun started.

    On a CPU one process is one device. Fabric itself is told nothing of half precision, because it would round the
    inputs of a step, intrinsics and poses among them: see `mixed`. Raises TrainingError where it is not installed, and
    for a precision that is not in `PRECISIONS`.
    """
    if precision not in PRECISIONS:
        raise TrainingError(f"precision {precision!r}; take one of {', '.join(PRECISIONS)}")
    try:
        from lightning_fabric import Fabric
    except ImportError as error:
        raise TrainingError(f"{error}; install the training extra: pip install 'sam3d_ros[train]'") from error
    cuda = torch.cuda.is_available()
    chosen = _processes() if not cuda else devices
    fabric = Fabric(accelerator="cuda" if cuda else "cpu", devices=chosen, precision="32-true")
    fabric.launch()
    return fabric


def mixed(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Within it large products are computed in bfloat16 where the precision says so; what comes in stays float32."""
    wanted = best_precision() if precision == "auto" else precision
    context: AbstractContextManager[None] = torch.autocast(device.type, torch.bfloat16, enabled=wanted == "bf16-mixed")
    return context


def best_precision() -> str:
    """Mixed bfloat16 where the device multiplies it faster than float32, else float32."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    return "bf16-mixed" if _has_matrix_unit() else "32-true"


def _has_matrix_unit() -> bool:
    """Whether this CPU has AMX or AVX-512 with bfloat16; without them bfloat16 is slower than float32."""
    return any(
        bool(getattr(torch.cpu, name, bool)()) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    )


def _processes() -> int:
    """Processes that torchrun started on this machine."""
    import os

    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
