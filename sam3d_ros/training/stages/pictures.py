"""Pictures of a run for its log."""

from __future__ import annotations

import torch
from torch import Tensor


def slices(truth: Tensor, estimate: Tensor) -> Tensor:
    """Picture [3, 2 R, B R] of the middle slices of grids [B, 1, R, R, R], 0-1: truth above, estimate below."""
    rows = [torch.cat(list(grid[:, 0, grid.shape[2] // 2]), dim=1) for grid in (truth, estimate)]  # [R, B R] each
    return torch.cat(rows).clamp(0, 1).expand(3, -1, -1).float().cpu()
