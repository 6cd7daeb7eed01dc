"""Half precision: which weights are cast, so that all others remain islands of float32."""

from __future__ import annotations

import torch
from torch import nn


def cast_weights(module: nn.Module, dtype: torch.dtype, kinds: tuple[type[nn.Module], ...] = (nn.Linear,)) -> None:
    """Cast, in place, the parameters of all submodules of the given kinds; norms and tokens keep their dtype."""
    for part in module.modules():
        if isinstance(part, kinds):
            part.to(dtype)
