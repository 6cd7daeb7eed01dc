"""The published state dicts as a model."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..config import Sam3dConfig
from .checks import differences, refuse_differences, refuse_not_finite, shapes_of
from .errors import WeightsError
from .model import Sam3dModel
from .parts import FILES, PARTS, build_empty, computed_specs, fill, parts_in, published_specs

_REMEDY = "Give complete state dicts with the published key names, and the config that they were made for"


def load_official(
    state_dicts: Mapping[str, Mapping[str, Tensor]],
    config: Sam3dConfig | None = None,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Sam3dModel:
    """Build the model from published state dicts, by file stem: `ss_generator`, `slat_generator`, `ss_decoder`,
    `slat_decoder_gs`, `slat_decoder_gs_4`, `slat_decoder_mesh`; any of them may be left out with its parts.

    `config` holds the sizes, by default the published ones. The parts compute in `dtype`, with float32 where their
    `to_compute_dtype` keeps it. A tensor that has its device (by default its own) and dtype already is shared, not
    copied. WeightsError lists, by file and key, all that is missing, unexpected or wrongly shaped, or else names the
    first key that is not finite.
    """
    config = config or Sam3dConfig()
    _refuse_unusable(state_dicts)
    specs = published_specs(config)
    refuse_differences(
        (
            differences(stem, {key: spec.shape for key, spec in specs[stem].items()}, shapes_of(tensors))
            for stem, tensors in state_dicts.items()
        ),
        _REMEDY,
    )
    for stem, tensors in state_dicts.items():
        for key, tensor in tensors.items():
            refuse_not_finite(stem, key, tensor)
    parts = {name: _load_part(name, config, state_dicts, device, dtype) for name in parts_in(state_dicts)}
    return Sam3dModel(config, parts)


def _refuse_unusable(state_dicts: Mapping[str, Mapping[str, Tensor]]) -> None:
    unknown = [stem for stem in state_dicts if stem not in FILES]
    if unknown:
        raise WeightsError(f"no published file is called {', '.join(map(repr, unknown))}; they are {', '.join(FILES)}")
    for stem, tensors in state_dicts.items():
        for key, tensor in tensors.items():
            if not isinstance(tensor, Tensor) or not tensor.is_floating_point():
                found = tensor.dtype if isinstance(tensor, Tensor) else f"a {type(tensor).__name__}"
                raise WeightsError(f"{stem}: {key} is {found}, expected a tensor of floating-point numbers. {_REMEDY}")


def _load_part(
    name: str,
    config: Sam3dConfig,
    state_dicts: Mapping[str, Mapping[str, Tensor]],
    device: torch.device | str | None,
    dtype: torch.dtype,
) -> nn.Module:
    part, published = PARTS[name], state_dicts[PARTS[name].file]
    tensors = {
        key: published[part.prefix + key].detach().to(device=device, dtype=spec.dtype)
        for key, spec in computed_specs(name, config, dtype).items()
    }
    return fill(build_empty(name, config, dtype), tensors)
