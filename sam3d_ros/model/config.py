"""Sizes of every part of SAM 3D Objects: one set of classes for the published model and for smaller ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal


class ConfigError(ValueError):
    """Sizes that do not fit together."""


@dataclass(frozen=True, slots=True)
class VitConfig:
    """DINOv2 vision transformer with register tokens."""

    width: int = 1024
    depth: int = 24
    heads: int = 16
    mlp_ratio: float = 4.0
    patch: int = 14  # pixels
    image_size: int = 518  # pixels, a multiple of patch
    registers: int = 4

    @property
    def patches(self) -> int:
        """Patch tokens of an image."""
        return (self.image_size // self.patch) ** 2


@dataclass(frozen=True, slots=True)
class PointEmbedConfig:
    """Patch encoder of a pointmap."""

    width: int = 512
    image_size: int = 256  # pixels, a multiple of patch
    patch: int = 8  # pixels
    heads: int = 16
    mlp_ratio: float = 2.0

    @property
    def patches(self) -> int:
        """Tokens of a pointmap."""
        return (self.image_size // self.patch) ** 2


@dataclass(frozen=True, slots=True)
class EmbedderConfig:
    """All condition tokens of one stage: two ViTs (colour, masks) and, in stage 1, the pointmap encoder."""

    vit: VitConfig = field(default_factory=VitConfig)
    points: PointEmbedConfig | None = field(default_factory=PointEmbedConfig)
    width: int = 1024  # of the condition tokens
    prenorm_features: bool = False  # stage 2: the un-normalised sequence with registers, normalised without affine
    hidden_ratio: float = 4.0  # of the projections' SwiGLU, before its factor 2/3
    hidden_multiple: int = 256  # to which their hidden width is rounded up


@dataclass(frozen=True, slots=True)
class ObservedConfig:
    """Encoder of the observed volume, whose answer is added to the shape's tokens; the published model has none."""

    states: int = 5  # labels of a voxel
    resolution: int = 64  # voxels an edge, a multiple of twice the latent's grid
    stem_width: int = 48
    stem_depth: int = 1  # residual blocks of convolutions at twice the latent's grid
    depth: int = 2  # and on the latent's grid: computed once for an object, not at each step


@dataclass(frozen=True, slots=True)
class GeometryConfig:
    """Stage 1: the mixture-of-transformers flow of coarse shape and layout."""

    width: int = 1024
    condition_width: int = 1024
    depth: int = 24
    heads: int = 16
    mlp_ratio: float = 4.0
    grid: int = 16  # the shape latent has grid**3 tokens
    channels: int = 8  # of the shape latent
    step_size: bool = True  # has an embedding of the step size: few-step sampling
    layout_mlp_ratio: float | None = None  # None: as `mlp_ratio`
    prediction: Literal["velocity", "clean"] = "velocity"  # clean: the data, from which the velocity follows
    observed: ObservedConfig | None = None


@dataclass(frozen=True, slots=True)
class StructureDecoderConfig:
    """Shape latent [channels, grid^3] to occupancy logits of grid * 2**(len(widths) - 1) voxels an edge, or twice."""

    channels: int = 8
    widths: tuple[int, ...] = (512, 128, 32)
    res_blocks: int = 2  # at each resolution
    middle_blocks: int = 2
    shuffled_output: bool = False  # one more doubling, dealt out from the channels of the last layer
    signed_distance: bool = False  # predicts a truncated signed distance beside the occupancy


@dataclass(frozen=True, slots=True)
class RefinementConfig:
    """Stage 2: the sparse flow of structured latents (SLAT)."""

    resolution: int = 64
    channels: int = 8
    width: int = 1024
    condition_width: int = 1024
    depth: int = 24
    heads: int = 16
    mlp_ratio: float = 4.0
    io_width: int = 128  # of the residual blocks at full resolution
    io_blocks: int = 2  # on the way in, the last of which halves the resolution, and as many on the way out
    step_size: bool = False  # the published one was never distilled
    prediction: Literal["velocity", "clean"] = "velocity"  # clean: the data, from which the velocity follows
    voxel_features: int = 0  # numbers told of each voxel beside its latent; the published model has none


@dataclass(frozen=True, slots=True)
class TrunkConfig:
    """Shifted-window transformer that both latent decoders begin with."""

    resolution: int = 64
    channels: int = 8
    width: int = 768
    depth: int = 12
    heads: int = 12
    mlp_ratio: float = 4.0
    window: int = 8  # voxels an edge


@dataclass(frozen=True, slots=True)
class GaussianConfig:
    """Decoder of structured latents to Gaussians."""

    trunk: TrunkConfig = field(default_factory=TrunkConfig)
    per_voxel: int = 32
    voxel_size: float = 1.5  # reach of an offset, in half voxels
    filter_3d: float = 0.0009  # least standard deviation, canonical units
    scaling_bias: float = 0.004
    opacity_bias: float = 0.1
    rotation_rate: float = 0.1


@dataclass(frozen=True, slots=True)
class FieldConfig:
    """Signed distance and colour of the cells of each voxel: a light surface, in place of the published cubes."""

    cells: int = 2  # of distance, along each edge of a voxel
    colour_cells: int = 2
    reach: float = 0.5  # truncations of stage 1's distance from its surface, within which voxels are refined


@dataclass(frozen=True, slots=True)
class MeshDecoderConfig:
    """Decoder of structured latents to a surface on a grid of resolution * 2**len(widths) cubes an edge."""

    trunk: TrunkConfig = field(default_factory=TrunkConfig)
    widths: tuple[int, ...] = (192, 96)  # after each subdivision
    groups: int = 32  # of the group norms
    field: FieldConfig | None = None  # where it is given, cells are read off the trunk, and `widths` are not used


@dataclass(frozen=True, slots=True)
class SamplerConfig:
    """How a flow is integrated from noise (t = 0) to data (t = 1)."""

    steps: int = 25
    rescale_t: float = 3.0
    guidance: float = 7.0  # s of (1 + s) v_conditional - s v_unconditional; 0 = no second pass
    guidance_until: float = 0.5  # guided while t lies in [0, this]
    use_step_size: bool = False  # tell the network d = 1 / steps instead of 0 (distilled)


STAGE1_SAMPLER = SamplerConfig()
STAGE1_DISTILLED = SamplerConfig(steps=4, guidance=0.0, use_step_size=True)
STAGE2_SAMPLER = SamplerConfig(rescale_t=1.0, guidance=1.0)
# The published stage 2 knows no step size: these are merely few steps without guidance.
STAGE2_FEW_STEPS = SamplerConfig(steps=4, rescale_t=1.0, guidance=0.0)

_SLAT_MEAN = (
    0.12211431, 0.37204156, -1.26521907, -2.05276058, -3.10432536, -0.11294304, -0.85146744, 0.45506954,
)  # fmt: skip
_SLAT_STD = (2.37326008, 2.13174402, 2.2413953, 2.30589401, 2.1191894, 1.8969511, 2.41684989, 2.08374642)


def _stage2_embedder() -> EmbedderConfig:
    return EmbedderConfig(points=None, prenorm_features=True)


@dataclass(frozen=True, slots=True)
class Sam3dConfig:
    """The whole model; the defaults are the published sizes and numbers."""

    stage1_embedder: EmbedderConfig = field(default_factory=EmbedderConfig)
    geometry: GeometryConfig = field(default_factory=GeometryConfig)
    structure_decoder: StructureDecoderConfig = field(default_factory=StructureDecoderConfig)
    stage2_embedder: EmbedderConfig = field(default_factory=_stage2_embedder)
    refinement: RefinementConfig = field(default_factory=RefinementConfig)
    gaussians: GaussianConfig = field(default_factory=GaussianConfig)
    gaussians_4: GaussianConfig = field(default_factory=lambda: GaussianConfig(per_voxel=4))
    mesh: MeshDecoderConfig = field(default_factory=MeshDecoderConfig)
    slat_mean: tuple[float, ...] = _SLAT_MEAN  # of the released pipeline.yaml, not of the code's constants
    slat_std: tuple[float, ...] = _SLAT_STD
    max_voxels: int = 42_000  # more are shrunk to half the resolution
    # The cube in which a shape is predicted: the object's own, or one aligned with the viewing ray of the mask.
    frame: Literal["canonical", "view"] = "canonical"


def _small_embedder(*, points: PointEmbedConfig | None, prenorm_features: bool) -> EmbedderConfig:
    vit = VitConfig(width=64, depth=2, heads=2, image_size=56)
    return EmbedderConfig(vit, points, width=64, prenorm_features=prenorm_features, hidden_multiple=32)


_SMALL_TRUNK = TrunkConfig(resolution=16, width=64, depth=2, heads=2, window=4)

# Everything in it, and seconds on a CPU: for tests and for `sam3d-ros weights random`.
SMALL = Sam3dConfig(
    stage1_embedder=_small_embedder(points=PointEmbedConfig(width=32, image_size=32, heads=2), prenorm_features=False),
    geometry=GeometryConfig(width=64, condition_width=64, depth=2, heads=2, grid=4),
    structure_decoder=StructureDecoderConfig(widths=(32, 16, 8)),
    stage2_embedder=_small_embedder(points=None, prenorm_features=True),
    refinement=RefinementConfig(resolution=16, width=64, condition_width=64, depth=2, heads=2, io_width=32),
    gaussians=GaussianConfig(trunk=_SMALL_TRUNK, per_voxel=8),
    gaussians_4=GaussianConfig(trunk=_SMALL_TRUNK, per_voxel=4),
    mesh=MeshDecoderConfig(trunk=_SMALL_TRUNK, widths=(32, 16), groups=8),
)

_TINY_VIT = VitConfig(width=128, depth=2, heads=2, patch=16, image_size=128)
_TINY_SHAPE_VIT = replace(_TINY_VIT, width=96)
_TINY_POINTS = PointEmbedConfig(width=48, image_size=64, patch=8, heads=2)
_TINY_TRUNK = TrunkConfig(resolution=32, width=96, depth=2, heads=1, mlp_ratio=2.0)

# Trained by this project, for CPUs without matrix units: cubes aligned with the view, pointmaps in units of the cube.
TINY = Sam3dConfig(
    stage1_embedder=EmbedderConfig(_TINY_SHAPE_VIT, _TINY_POINTS, width=128, hidden_multiple=32),
    geometry=GeometryConfig(
        width=128,
        condition_width=128,
        depth=4,
        heads=2,
        mlp_ratio=3.0,
        grid=8,
        channels=16,
        layout_mlp_ratio=1.0,
        prediction="clean",
        observed=ObservedConfig(),
    ),
    structure_decoder=StructureDecoderConfig(
        channels=16, widths=(64, 32, 16), res_blocks=1, middle_blocks=1, shuffled_output=True, signed_distance=True
    ),
    stage2_embedder=EmbedderConfig(_TINY_VIT, None, width=192, prenorm_features=True, hidden_multiple=32),
    refinement=RefinementConfig(
        resolution=32,
        width=96,
        condition_width=192,
        depth=3,
        heads=2,
        mlp_ratio=3.0,
        io_width=48,
        io_blocks=2,  # with one nothing would tell the eight voxels of a cell apart
        prediction="clean",
        voxel_features=64,
    ),
    gaussians=GaussianConfig(trunk=replace(_TINY_TRUNK, depth=1), per_voxel=8),
    gaussians_4=GaussianConfig(trunk=replace(_TINY_TRUNK, depth=1), per_voxel=4),
    mesh=MeshDecoderConfig(trunk=_TINY_TRUNK, widths=(), field=FieldConfig()),
    slat_mean=(0.0,) * 8,
    slat_std=(1.0,) * 8,
    frame="view",
)
