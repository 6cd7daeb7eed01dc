"""All stored objects on a device, by number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.store import ObjectStore
from ..data.targets import DistanceVolumes
from .symmetry import symmetry_orders


@dataclass(frozen=True, slots=True, eq=False)
class ObjectTable:
    """Distance grids and sizes of all objects on a device, by number: 0.9 MB each."""

    volumes: DistanceVolumes
    extents: Tensor  # [K, 3] m
    orders: Tensor  # [K] symmetry about z, as `symmetry_orders` says

    @classmethod
    def of(cls, store: ObjectStore, ids: Iterable[str], device: torch.device) -> ObjectTable:
        """Of stored objects."""
        objects = [store.get(name) for name in ids]
        extents = torch.tensor([thing.record.extents for thing in objects], device=device)
        volumes = DistanceVolumes.of(objects, device)
        return cls(volumes, extents, symmetry_orders(volumes))

    def rows(self, numbers: Tensor) -> ObjectTable:
        """The objects of a batch."""
        v = self.volumes
        parts = (x.index_select(0, numbers) for x in (v.values, v.low, v.high, v.truncation, self.extents, self.orders))
        values, low, high, truncation, extents, orders = parts
        return ObjectTable(DistanceVolumes(values, low, high, truncation), extents, orders)
