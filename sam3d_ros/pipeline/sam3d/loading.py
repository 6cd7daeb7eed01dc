"""From settings to a model that is ready to work."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from ...model.weights import WeightsError, WeightsFolder
from ..model_options import ModelOptions, OptionsError
from .chain import GAUSSIANS, GEOMETRY, MESH, PARTS, REFINEMENT, STAGE1, STAGE2, Chain
from .memory import give_back, limit_device, weights_budget
from .residency import Residency
from .settings import Sam3dSettings


def load_chain(settings: Sam3dSettings) -> Chain:
    """The model with as many of its parts in memory as may stay there.

    Raises OptionsError for weights that cannot be used and for a device that torch does not find.
    """
    options, device, dtype = settings.options, settings.device(), settings.dtype()
    limit_device(device, options.memory_limit_mib)
    try:
        weights = WeightsFolder(options.checked_weights())
        parts = _parts(weights, options)
        sizes = {part: weights.nbytes(part, dtype) for part in parts}
        budget = weights_budget(weights.config, device=device, dtype=dtype, limit_mib=options.memory_limit_mib)
        load = partial(_load, weights, device=device, dtype=dtype, compiled=options.compile)
        residency = Residency(load, sizes, budget)
        residency.load_all()
    except WeightsError as error:
        raise OptionsError(str(error)) from error
    config = weights.config
    return Chain(config, settings.samplers(config), residency, device, config.max_voxels, refines=MESH in parts)


def _parts(weights: WeightsFolder, options: ModelOptions) -> tuple[str, ...]:
    """The parts of the model that an object passes, in their order; raises OptionsError where some are not there.

    Shapes along the view need no second stage: unless it is asked for, the first one's surface is the answer. Theirs is
    one that decodes cells.
    """
    gaussians = (GAUSSIANS[options.gaussians],) if options.gaussians else ()
    if weights.config.frame == "canonical":
        return (*PARTS, *gaussians)
    if not options.second_stage:
        return STAGE1
    missing = [part for part in (*STAGE2, *gaussians) if part not in weights.parts]
    if missing or weights.config.mesh.field is None:
        lacking = f" (they lack {', '.join(missing)})" if missing else ""
        if gaussians:
            raise OptionsError(f"{weights.folder}: these weights make no Gaussians{lacking}; leave them out")
        raise OptionsError(f"{weights.folder}: these weights have no second stage{lacking}; leave refine out")
    return (*PARTS, *gaussians)


def _load(weights: WeightsFolder, part: str, *, device: torch.device, dtype: torch.dtype, compiled: bool) -> nn.Module:
    give_back(device)  # what was released before; a part finds no place among its fragments
    module = weights.load(part, device=device, dtype=dtype)
    if compiled and part in (GEOMETRY, REFINEMENT):
        # Block by block: they are alike, so that one compilation serves all. Voxels differ in number from object to
        # object, tokens do not.
        for block in module.blocks:
            block.compile(dynamic=True if part == REFINEMENT else None)
    return module
