"""The parts of the model: where each is published, how it is built, which tensors it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from ..config import MeshDecoderConfig, Sam3dConfig
from ..decoders import FieldDecoder, GaussianDecoder, MeshDecoder
from ..embedders import ConditionEmbedder
from ..refinement import RefinementNetwork
from ..structure import GeometryNetwork, StructureDecoder
from .errors import WeightsError
from .precision import is_matrix, may_be_half
from .shards import TensorSpec


@dataclass(frozen=True, slots=True)
class Part:
    """One module that is loaded and released as a whole."""

    file: str  # stem of the published file
    prefix: str  # of its keys in that file
    build: Callable[[Sam3dConfig], nn.Module]


def _mesh_decoder(config: MeshDecoderConfig) -> nn.Module:
    return MeshDecoder(config) if config.field is None else FieldDecoder(config)


_EMBEDDER = "_base_models.condition_embedder."
_NETWORK = "_base_models.generator.reverse_fn.backbone."

PARTS = {
    "stage1_embedder": Part("ss_generator", _EMBEDDER, lambda config: ConditionEmbedder(config.stage1_embedder)),
    "geometry": Part("ss_generator", _NETWORK, lambda config: GeometryNetwork(config.geometry)),
    "structure_decoder": Part("ss_decoder", "", lambda config: StructureDecoder(config.structure_decoder)),
    "stage2_embedder": Part("slat_generator", _EMBEDDER, lambda config: ConditionEmbedder(config.stage2_embedder)),
    "refinement": Part("slat_generator", _NETWORK, lambda config: RefinementNetwork(config.refinement)),
    "gaussian_decoder": Part("slat_decoder_gs", "", lambda config: GaussianDecoder(config.gaussians)),
    "gaussian_decoder_4": Part("slat_decoder_gs_4", "", lambda config: GaussianDecoder(config.gaussians_4)),
    "mesh_decoder": Part("slat_decoder_mesh", "", lambda config: _mesh_decoder(config.mesh)),
}
FILES = tuple(dict.fromkeys(part.file for part in PARTS.values()))


def part_of(name: str) -> Part:
    """The part of a name; WeightsError lists the names that exist."""
    if name not in PARTS:
        raise WeightsError(f"no part of the model is called {name!r}; the parts are {', '.join(PARTS)}")
    return PARTS[name]


def build_empty(name: str, config: Sam3dConfig, dtype: torch.dtype) -> nn.Module:
    """The module without memory for its weights (on the meta device), computing in `dtype`; not trainable.

    Raises WeightsError for sizes of which no module can be built.
    """
    part = part_of(name)
    try:
        with torch.device("meta"):
            module = part.build(config).eval().requires_grad_(False)
    except (ArithmeticError, LookupError, RuntimeError, ValueError) as error:
        raise WeightsError(f"{name} cannot be built in the sizes of its config ({error}); correct them") from error
    module.to_compute_dtype(dtype)
    return module


def fill(module: nn.Module, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The empty module with these tensors as its weights; names and shapes must fit."""
    module.load_state_dict(tensors, strict=True, assign=True)
    empty = [name for name, tensor in (*module.named_parameters(), *module.named_buffers()) if tensor.is_meta]
    if empty:
        raise RuntimeError(f"{type(module).__name__} has buffers that no file holds: {', '.join(empty)}; compute them")
    return module


@lru_cache(maxsize=64)
def computed_specs(name: str, config: Sam3dConfig, dtype: torch.dtype) -> dict[str, TensorSpec]:
    """Every tensor of a part, by its name in the module, as the module has it when it computes in `dtype`."""
    tensors = build_empty(name, config, dtype).state_dict()
    return {key: TensorSpec(tuple(tensor.shape), tensor.dtype) for key, tensor in tensors.items()}


def stored_specs(name: str, config: Sam3dConfig, dtype: torch.dtype) -> dict[str, TensorSpec]:
    """Every tensor of a part as weights folders hold it: those that may be half in `dtype`, all others in float32.

    Our own small model, whose cube lies along the view, may be half in all its matrices: it is shipped.
    """

    def stored(key: str, shape: tuple[int, ...]) -> torch.dtype:
        half = may_be_half(name, key) or (config.frame == "view" and is_matrix(key, shape))
        return dtype if half else torch.float32

    full = computed_specs(name, config, torch.float32)
    return {key: TensorSpec(spec.shape, stored(key, spec.shape)) for key, spec in full.items()}


def published_specs(config: Sam3dConfig | None = None) -> dict[str, dict[str, TensorSpec]]:
    """File stem -> published key -> shape and load dtype (float16 where half), of all six files."""
    specs: dict[str, dict[str, TensorSpec]] = {stem: {} for stem in FILES}
    for name, part in PARTS.items():
        own = stored_specs(name, config or Sam3dConfig(), torch.float16)
        specs[part.file] |= {part.prefix + key: spec for key, spec in own.items()}
    return specs


def parts_in(files: Iterable[str]) -> tuple[str, ...]:
    """The parts that the published files of these stems hold."""
    stems = set(files)
    return tuple(name for name, part in PARTS.items() if part.file in stems)
