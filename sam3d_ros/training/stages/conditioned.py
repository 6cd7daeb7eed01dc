"""The geometry network of a finished stage, as later stages take it up."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from torch import Tensor

from ...model.structure import SHAPE, GeometryNetwork
from ..engine.errors import TrainingError
from .fields import ReadBatch
from .flows import Flow, geometry_flow
from .geometry import GeometryObjective, GeometrySettings
from .results import is_finished, read_settings_of, read_weights
from .structure_run import load_structure


class Condition(NamedTuple):
    """What is known of a batch before anything is predicted; computed once, whatever the number of steps."""

    tokens: Tensor  # [B, L, C] of images and pointmaps
    observed: Tensor | None  # [B, grid^3, width] of the observed volume

    def repeated(self, times: int) -> Condition:
        """Each entry so many times, one after the other."""
        observed = None if self.observed is None else self.observed.repeat_interleave(times, 0)
        return Condition(self.tokens.repeat_interleave(times, 0), observed)

    def rows(self, numbers: Tensor) -> Condition:
        """The entries of these numbers."""
        return Condition(self.tokens[numbers], None if self.observed is None else self.observed[numbers])


class ConditionedGeometry(GeometryObjective):
    """The geometry objective, with its parts to hand for objectives of their own."""

    def condition(self, batch: Mapping[str, Tensor]) -> Condition:
        """Of a batch as `GeometryObjective.forward` describes it, after `read`."""
        return Condition(self._tokens(batch), self._observe(batch))

    def flow(self, condition: Condition, network: GeometryNetwork | None = None, *, layout: bool = True) -> Flow:
        """The flow of the own network, or of another one of its kind; without `layout` of the shape alone."""
        return geometry_flow(network or self.geometry, *condition, layout=layout)

    def weights(self) -> dict[str, float]:
        """Weight of each latent."""
        return {SHAPE: 1.0, **self._layout_weights()}

    def hold_decoder(self) -> None:
        """Let the structure decoder stay as it is, where it would learn on."""
        self.structure.requires_grad_(False)

    def hold_inputs(self) -> None:
        """Train the flow alone: what reads images, pointmaps and volumes stays, and can be shared with a copy."""
        self.hold_decoder()
        self.embedder.requires_grad_(False)
        if self.geometry.observed_encoder is not None:
            self.geometry.observed_encoder.requires_grad_(False)

    def frozen_copy(self) -> GeometryNetwork:
        """The network as it is now."""
        network: GeometryNetwork = copy.deepcopy(self.geometry).requires_grad_(False).eval()
        return network


G = TypeVar("G", bound=ConditionedGeometry)


def load_geometry(folder: Path, runs: Path, kind: type[G], read: ReadBatch | None = None) -> G:
    """The geometry that a stage left in `folder`. Raises TrainingError where it is not finished."""
    objective = kind(settings_of_start(folder), load_structure(runs), read)
    read_weights(folder, objective)
    return objective


def settings_of_start(folder: Path) -> GeometrySettings:
    """Settings of the stage in `folder`. Raises TrainingError where it is not finished."""
    if not is_finished(folder):
        raise TrainingError(f"{folder}: no finished stage; train it first, or name another one with --from")
    return read_settings_of(folder, GeometrySettings)
