"""Settings of the SAM 3D backend, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from ...model.config import (
    STAGE1_DISTILLED,
    STAGE1_SAMPLER,
    STAGE2_FEW_STEPS,
    STAGE2_SAMPLER,
    Sam3dConfig,
    SamplerConfig,
)
from ..gates import Gates
from ..model_options import Dtype, ModelOptions, OptionsError, Sampling
from ..observation import PrepareConfig
from .half_precision import cpu_has_bfloat16
from .placing import PlacingConfig

_UNGUIDED = SamplerConfig(rescale_t=1.0, guidance=0.0)  # with measured depth the condition says nearly everything
# By the frame in which shapes are predicted.
_FULL = {"canonical": (STAGE1_SAMPLER, STAGE2_SAMPLER), "view": (_UNGUIDED, _UNGUIDED)}
# Along the view stage 2 is regressed: four steps of it would take longer than all the rest of an object.
_FAST = {
    "canonical": (STAGE1_DISTILLED, STAGE2_FEW_STEPS),
    "view": (replace(_UNGUIDED, steps=4), replace(_UNGUIDED, steps=1)),
}
# What weights along the view take by themselves where they were not distilled: the regression, which is one step.
_REGRESSED = (replace(_UNGUIDED, steps=1), replace(_UNGUIDED, steps=1))
_DTYPES = {Dtype.FLOAT32: torch.float32, Dtype.FLOAT16: torch.float16, Dtype.BFLOAT16: torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Sam3dSettings:
    """How the learned model is run and what of its answers is accepted."""

    options: ModelOptions = field(default_factory=ModelOptions)
    prepare: PrepareConfig = field(default_factory=PrepareConfig)
    placing: PlacingConfig = field(default_factory=PlacingConfig)
    seed: int = 0
    triangle_budget: int = 5000
    coarse_triangle_budget: int = 2000
    gates: Gates = field(default_factory=Gates)
    low_detail_divisor: int = 4  # of the limit of voxels, at Detail.LOW

    def device(self) -> torch.device:
        """Where to compute; raises OptionsError where torch finds no such device."""
        device = torch.device(self.options.device)
        if device.type != "cuda":
            return device
        index, found = device.index or 0, torch.cuda.device_count() if torch.cuda.is_available() else 0
        if index >= found:
            raise OptionsError(
                f"device {self.options.device}: torch {torch.__version__} finds {found} CUDA devices; "
                "see `sam3d-ros doctor`, or take device cpu"
            )
        return torch.device("cuda", index)

    def dtype(self) -> torch.dtype:
        """Number format of the large products."""
        if self.options.dtype is not Dtype.AUTO:
            return _DTYPES[self.options.dtype]
        if self.options.device.startswith("cuda"):
            return torch.float16
        return torch.bfloat16 if cpu_has_bfloat16() else torch.float32

    def samplers(self, config: Sam3dConfig) -> tuple[SamplerConfig, SamplerConfig]:
        """How stage 1 and stage 2 are integrated; a network is told its step size where it has learnt what that is."""
        if self._is_full(config):
            pair = _FULL[config.frame]
        elif self.options.sampling is Sampling.AUTO and not config.geometry.step_size:
            pair = _REGRESSED
        else:
            first, second = _FAST[config.frame]
            pair = (
                replace(first, use_step_size=config.geometry.step_size),
                replace(second, use_step_size=config.refinement.step_size),
            )
        steps = self.options.steps
        first, second = (replace(sampler, steps=steps or sampler.steps) for sampler in pair)
        return first, second

    def _is_full(self, config: Sam3dConfig) -> bool:
        """Weights with cubes along the view were trained for few steps; the published ones for many."""
        if self.options.sampling is Sampling.AUTO:
            return config.frame == "canonical"
        return self.options.sampling is Sampling.FULL
