"""From stored views to what the geometry stage reads: the little that workers do, and the rest on the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...model.preprocess.cube import ViewCubes
from ...model.preprocess.object_view import Picture, object_views
from ..data.reading import ViewReader
from ..data.targets import signed_distance
from ..data.views import SPOILT, View
from ..engine.loading import Sample
from .fields import BYTE_IMAGES
from .layout import layout_latents
from .mirror import MIRROR
from .shapes import RESOLUTION, fields_in_cube
from .symmetry import settled
from .tables import ObjectTable


@dataclass(frozen=True, slots=True)
class StoredViews:
    """Views of a split as arrays; objects by their number in `ids`."""

    folder: Path
    split: str
    ids: tuple[str, ...]
    numbers: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", {name: number for number, name in enumerate(self.ids)})

    def __len__(self) -> int:
        return len(_reader(self.folder, self.split))

    def __getitem__(self, index: int) -> Sample:
        return self._arrays(_reader(self.folder, self.split)[index])

    def order(self, seed: int, epoch: int) -> np.ndarray:
        """Shuffled numbers of all views, near each other in the files that are open."""
        return _reader(self.folder, self.split).order(seed, epoch)

    def _arrays(self, view: View) -> Sample:
        # Copies, as torch wants arrays that may be written to.
        return {
            "crop_color": np.array(view.color),
            "crop_depth": view.depth_mm.astype(np.int32),
            "crop_mask": (view.masks & SPOILT > 0).astype(np.uint8),
            "crop": np.array(view.crop),
            "coarse_color": np.array(view.coarse_color),
            "coarse_depth": view.coarse_depth_mm.astype(np.int32),
            "coarse_mask": (view.coarse_mask > 0).astype(np.uint8),
            "coarse": np.array(view.coarse),
            "T_cam_obj": np.array(view.T_cam_obj),
            "object": self.numbers[view.object_id],
        }


@dataclass(frozen=True, slots=True, eq=False)
class ViewTargets:
    """Cubes, inputs and truth of a batch of views."""

    table: ObjectTable
    size: int  # pixels of the model's images

    def __call__(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The batch as `GeometryObjective` reads it; `time`, `noise_*` and `mirror` pass through."""
        with torch.no_grad(), torch.autocast(batch["crop"].device.type, enabled=False):
            crop, coarse = stored_picture(batch, "crop"), stored_picture(batch, "coarse")
            views = object_views(crop, coarse, size=self.size, resolution=RESOLUTION)
            made = {name: x * 255 if name in BYTE_IMAGES else x for name, x in views.inputs.items()}
            made["observed"] = views.observed
            made |= self._truth(batch, views.cubes)
        drawn = {name: x for name, x in batch.items() if name in ("time", MIRROR) or name.startswith("noise_")}
        return {**made, **drawn}

    def _truth(self, batch: Mapping[str, Tensor], cubes: ViewCubes) -> dict[str, Tensor]:
        objects = self.table.rows(batch["object"])
        T_cam_obj = batch["T_cam_obj"]
        distance = signed_distance(cubes, T_cam_obj, objects.volumes, RESOLUTION)
        T_cube_obj = torch.linalg.inv(cubes.T_cam_cube) @ T_cam_obj
        T_cube_obj[:, :3, :3] = settled(T_cube_obj[:, :3, :3], objects.orders)
        layout = layout_latents(T_cube_obj, cubes.edge, objects.extents)
        return {
            **fields_in_cube(distance),
            "layout_known": cubes.valid.float(),
            **{f"layout_{name}": latent for name, latent in layout.items()},
        }


def stored_picture(batch: Mapping[str, Tensor], name: str) -> Picture:
    """The `crop` or the `coarse` picture of a batch of stored views."""
    color = batch[f"{name}_color"].movedim(-1, 1).float() / 255
    return Picture(color, batch[f"{name}_depth"].float() / 1000, batch[f"{name}_mask"] > 0, batch[name])


@lru_cache(maxsize=4)
def _reader(folder: Path, split: str) -> ViewReader:
    """One reader per process, folder and split."""
    return ViewReader(folder, split)
