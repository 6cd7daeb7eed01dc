"""Exponential moving average of the weights, which is what a stage hands on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Moving average, in float32, of the parameters of a module that are trained."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: p.detach().float().clone() for name, p in _trained(module).items()}

    def update(self, module: nn.Module, step: int) -> None:
        """Take in the weights after a step; early steps weigh more, so that the start is forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        trained = _trained(module)
        averages = [self.weights[name] for name in trained]
        with torch.no_grad():
            torch._foreach_lerp_(averages, [p.detach().float() for p in trained.values()], 1 - decay)

    @contextmanager
    def applied(self, module: nn.Module) -> Iterator[None]:
        """The module with the averaged weights; afterwards with its own again."""
        trained = _trained(module)
        own = {name: p.detach().clone() for name, p in trained.items()}
        _copy(self.weights, trained)
        try:
            yield
        finally:
            _copy(own, trained)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Continue from saved averages; raises KeyError where one is missing."""
        for name, average in self.weights.items():
            average.copy_(weights[name])


def _trained(module: nn.Module) -> dict[str, Tensor]:
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in target.items():
            parameter.copy_(source[name])
