"""All parts of the model together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from ..config import Sam3dConfig
from .errors import MissingPartError
from .parts import PARTS


class Sam3dModel(nn.Module):
    """The parts whose weights were given, by name; to ask for another one is a MissingPartError."""

    def __init__(self, config: Sam3dConfig, parts: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.config = config
        for name, module in parts.items():
            self.add_module(name, module)

    def __getattr__(self, name: str) -> Any:
        if name in PARTS and name not in self._modules:
            raise MissingPartError(f"{name} was not loaded; it is in {PARTS[name].file}, load that as well")
        return super().__getattr__(name)
