"""From stored views to what the refinement stage reads: voxels where stage 1 sees a surface, and the truth in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from ...model.preprocess.object_view import ObjectViews, object_views
from ...model.refinement import refined_voxels, voxel_features
from ...model.structure import StructureFields
from ..engine.loading import Sample
from .first_stage import FirstStage
from .geometry import Spread
from .placed import SurfaceTable, Truth, true_shape
from .tables import ObjectTable
from .views import stored_picture


@dataclass(frozen=True, slots=True, eq=False)
class RefinedViews:
    """Views in whose voxels latents are predicted."""

    views: ObjectViews
    fields: StructureFields  # of stage 1
    truth: Truth
    features: Tensor  # [N, F] of the voxels


@dataclass(frozen=True, slots=True)
class PrepareRefinement:
    """The time of a sample and the seed of its draws, from the random numbers of its position."""

    spread: Spread
    mirrored: float = 0.0  # share of the samples that are seen as in a mirror

    def __call__(self, sample: Sample, rng: Generator, progress: float) -> Sample:
        """The sample with `time` and `seed`."""
        seen = mirror_image(sample) if rng.random() < self.mirrored else sample
        return {**seen, "time": self.spread.draw(rng, progress), "seed": int(rng.integers(1 << 31))}


def mirror_image(sample: Sample) -> Sample:
    """A sample of `StoredViews` with left and right exchanged: a view of the object's mirror image."""
    mirrored = dict(sample)
    for kind in ("crop", "coarse"):
        for name in ("color", "depth", "mask"):
            mirrored[f"{kind}_{name}"] = np.ascontiguousarray(sample[f"{kind}_{name}"][:, ::-1])
        fx, fy, cx, cy = sample[kind]
        mirrored[kind] = np.array([fx, fy, sample[f"{kind}_mask"].shape[1] - 1 - cx, cy], np.float32)
    mirrored["T_cam_obj"] = np.diag([-1.0, 1.0, 1.0, 1.0]).astype(np.float32) @ sample["T_cam_obj"]
    return mirrored


@dataclass(frozen=True, slots=True, eq=False)
class RefinementTargets:
    """Inputs, voxels and truth of a batch of stored views."""

    table: ObjectTable
    surfaces: SurfaceTable
    first: FirstStage
    size: int  # pixels of the model's images
    resolution: int  # of the voxels
    reach: float  # truncations from stage 1's surface within which voxels are refined

    def __call__(self, batch: Mapping[str, Tensor]) -> RefinedViews:
        """Of a batch from `PrepareRefinement`, of samples from `StoredViews`."""
        with torch.autocast(batch["crop"].device.type, enabled=False):
            views = object_views(stored_picture(batch, "crop"), stored_picture(batch, "coarse"), size=self.size)
            distance, surface = true_shape(self.table, self.surfaces, batch, views.cubes)
        fields = self.first(views, distance, batch["seed"])
        voxels = refined_voxels(fields, views.observed, self.resolution, self.reach)
        features = voxel_features(voxels, fields, views.cubes, views.crop)
        return RefinedViews(views, fields, Truth(distance, surface, voxels), features)
