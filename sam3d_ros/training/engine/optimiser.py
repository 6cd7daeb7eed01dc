"""AdamW, and its rate at every step."""

from __future__ import annotations

import math

import torch
from torch import nn

from .settings import OptimiserSettings


def make_optimiser(module: nn.Module, settings: OptimiserSettings) -> torch.optim.AdamW:
    """AdamW over all parameters that are trained; matrices and convolutions decay, vectors and biases do not."""
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    fused = all(parameter.is_cuda for parameter in trained)
    beta1, beta2 = settings.betas
    return torch.optim.AdamW(groups, lr=settings.rate, betas=(beta1, beta2), fused=fused)


def rate_at(step: int, steps: int, settings: OptimiserSettings) -> float:
    """Rate of a step of `steps`: up linearly, then down a cosine to its last share."""
    if step < settings.warm_up:
        return settings.rate * (step + 1) / settings.warm_up
    done = (step - settings.warm_up) / max(1, steps - settings.warm_up)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return settings.rate * (settings.last_rate + (1 - settings.last_rate) * cosine)


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step be made at this rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
