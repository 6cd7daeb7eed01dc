"""Processes, devices and precision of a run, by way of Lightning Fabric."""

from __future__ import annotations

from typing import Any

import torch

from .errors import TrainingError


def make_fabric(precision: str, *, devices: int | str = "auto") -> Any:
    """A launched Fabric: one process, or those that torchrun started. Raises TrainingError where it is not installed.

    On a CPU one process is one device.
    """
    try:
        from lightning_fabric import Fabric
    except ImportError as error:
        raise TrainingError(f"{error}; install the training extra: pip install 'sam3d_ros[train]'") from error
    cuda = torch.cuda.is_available()
    chosen = _processes() if not cuda else devices
    fabric = Fabric(
        accelerator="cuda" if cuda else "cpu",
        devices=chosen,
        precision=best_precision() if precision == "auto" else precision,
    )
    fabric.launch()
    return fabric


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
