"""What stage 1 says of a batch of views, for stage 2 to start from: as it was trained, or the truth a little bent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from ...model.config import SamplerConfig
from ...model.preprocess.object_view import ObjectViews
from ...model.sampling import draw_latents
from ...model.structure import SHAPE, StructureFields, latent_sizes, reconciled
from .conditioned import ConditionedGeometry
from .fields import BYTE_IMAGES

TRUTH = "truth"  # in place of the name of a stage
_BENDS = 5  # nodes along an edge of the noise that bends the truth
_SURE = 4.0  # logit at a truncation's distance from the surface


class FirstStage(Protocol):
    """Fields of stage 1 for views whose true distance [B, 1, R, R, R] is known, drawn by seeds [B]."""

    def __call__(self, views: ObjectViews, distance: Tensor, seeds: Tensor, /) -> StructureFields:
        """On the grid of the distance."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainedStage:
    """A geometry network that was trained."""

    objective: ConditionedGeometry
    sampler: SamplerConfig

    def __call__(self, views: ObjectViews, distance: Tensor, seeds: Tensor, /) -> StructureFields:
        """See `FirstStage`; the truth is not looked at."""
        device = distance.device
        generators = [torch.Generator().manual_seed(seed) for seed in seeds.tolist()]
        noise = draw_latents(latent_sizes(self.objective.settings.geometry), generators, device=device)
        batch = {name: 255 * x if name in BYTE_IMAGES else x for name, x in views.inputs.items()}
        batch |= {"observed": views.observed, **{f"noise_{name}": x for name, x in noise.items()}}
        with torch.no_grad():
            fields = self.objective.structure.decode(self.objective.sample(batch, self.sampler)[SHAPE])
        fields = StructureFields(*(None if x is None else x.float() for x in fields))
        return reconciled(fields, views.observed)


@dataclass(frozen=True, slots=True)
class BentTruth:
    """The true shape with errors as smooth as those of a first stage, where none is trained yet."""

    bend: float = 0.4  # largest standard deviation of the surface, in truncations

    def __call__(self, views: ObjectViews, distance: Tensor, seeds: Tensor, /) -> StructureFields:
        """See `FirstStage`; the views are not looked at."""
        bends = []
        for seed in seeds.tolist():
            generator = torch.Generator().manual_seed(seed)
            strength = self.bend * torch.rand(1, generator=generator)
            bends.append(strength * torch.randn(1, _BENDS, _BENDS, _BENDS, generator=generator))
        noise = torch.stack(bends).to(distance.device)
        bent = distance + functional.interpolate(noise, distance.shape[2:], mode="trilinear", align_corners=True)
        return StructureFields(-_SURE * bent, bent)
