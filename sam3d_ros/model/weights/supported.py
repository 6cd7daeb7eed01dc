"""What each field of the published yaml files must say for this implementation to give the same results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..config import STAGE1_SAMPLER, STAGE2_SAMPLER, EmbedderConfig, GaussianConfig, Sam3dConfig, TrunkConfig

_EMBEDDER = "module.condition_embedder.backbone."
_FLOW = "module.generator.backbone."
_GUIDANCE = f"{_FLOW}reverse_fn."
_NETWORK = f"{_GUIDANCE}backbone."
_LATENTS = {"6drotation_normalized": 6, "scale": 3, "shape": None, "translation": 3, "translation_scale": 1}

Fields = dict[str, object]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A field that may be left out, and what it means then."""

    means: object


def supported_fields(stem: str, config: Sam3dConfig) -> Fields:
    """Dotted path -> the one value that fits, for the file `stem`.yaml."""
    return _TABLES[stem](config)


def _pipeline(config: Sam3dConfig) -> Fields:
    return {
        "_target_": "InferencePipelinePointMap",
        "pose_decoder_name": "ScaleShiftInvariant",
        "ss_inference_steps": LeftOut(STAGE1_SAMPLER.steps),
        "ss_rescale_t": LeftOut(STAGE1_SAMPLER.rescale_t),
        "ss_cfg_strength": LeftOut(STAGE1_SAMPLER.guidance),
        "ss_cfg_interval": LeftOut([0, 1000 * STAGE1_SAMPLER.guidance_until]),
        "ss_cfg_strength_pm": LeftOut(0.0),
        "slat_inference_steps": LeftOut(STAGE2_SAMPLER.steps),
        "slat_cfg_interval": LeftOut([0, 1000 * STAGE2_SAMPLER.guidance_until]),
        "slat_rescale_t": STAGE2_SAMPLER.rescale_t,
        "slat_cfg_strength": STAGE2_SAMPLER.guidance,
        "downsample_ss_dist": 1,
        "slat_mean": list(config.slat_mean),
        "slat_std": list(config.slat_std),
        "ss_condition_input_mapping": [],
        "slat_condition_input_mapping": [],
        "layout_post_optimization_method": LeftOut(None),
        "clip_pointmap_beyond_scale": LeftOut(None),
        **_preprocessor("ss_preprocessor.", config.stage1_embedder, with_points=True),
        **_preprocessor("slat_preprocessor.", config.stage2_embedder, with_points=False),
    }


def _preprocessor(prefix: str, embedder: EmbedderConfig, *, with_points: bool) -> Fields:
    crop = "img_mask_pointmap_joint_transform.1." if with_points else "img_mask_joint_transform.0."
    fields: Fields = {
        f"{crop}_target_": "crop_around_mask_with_padding",
        f"{crop}box_size_factor": 1.2,
        f"{crop}padding_factor": 0.0,
        **_transform("img_transform.", embedder, {}),
        **_transform("mask_transform.", embedder, {"interpolation": 0}),
    }
    if with_points:
        fields |= {
            "img_mask_pointmap_joint_transform.0._target_": "resize_all_to_same_size",
            "img_mask_joint_transform": LeftOut([]),
            "normalize_pointmap": True,
            "pointmap_normalizer._target_": "ObjectCentricSSI",
            "pointmap_normalizer.use_scene_scale": True,
            "pointmap_normalizer.allow_scale_and_shift_override": True,
            **_transform("pointmap_transform.", embedder, {"interpolation": 0}),
        }
    return {f"{prefix}_target_": "PreProcessor"} | {f"{prefix}{name}": value for name, value in fields.items()}


def _transform(prefix: str, embedder: EmbedderConfig, resize: Fields) -> Fields:
    steps = f"{prefix}transforms."
    return {
        f"{prefix}_target_": "Compose",
        f"{steps}0._target_": "pad_to_square_centered",
        f"{steps}1._target_": "Resize",
        f"{steps}1.size": embedder.vit.image_size,
        **{f"{steps}1.{name}": value for name, value in resize.items()},
    }


def _ss_generator(config: Sam3dConfig) -> Fields:
    network = config.geometry
    return {
        **_embedder(config.stage1_embedder),
        **_flow("ShortCut", "ClassifierFreeGuidanceWithExternalUnconditionalProbability"),
        f"{_NETWORK}_target_": "SparseStructureFlowTdfyWrapper",
        f"{_NETWORK}is_shortcut_model": network.step_size,
        f"{_NETWORK}patch_size": 1,
        f"{_NETWORK}resolution": network.grid,
        f"{_NETWORK}latent_share_transformer.6drotation_normalized": [
            "6drotation_normalized", "translation", "scale", "translation_scale",
        ],
        **_transformer(network.width, network.condition_width, network.depth, network.heads),
        f"{_NETWORK}mlp_ratio": network.mlp_ratio,
        f"{_NETWORK}in_channels": network.channels,
        f"{_NETWORK}out_channels": network.channels,
        **{f"{_NETWORK}{name}": value for name, value in _latents(config).items()},
    }  # fmt: skip


def _latents(config: Sam3dConfig) -> Fields:
    width, grid = config.geometry.width, config.geometry.grid
    fields: Fields = {}
    for name, channels in _LATENTS.items():
        latent = f"latent_mapping.{name}."
        position: Fields = (
            {"_target_": "ShapePositionEmbedder", "patch_size": 1, "resolution": grid}
            if channels is None
            else {"_target_": "LearntPositionEmbedder", "token_len": 1}
        )
        fields |= {
            f"{latent}_target_": "Latent",
            f"{latent}in_channels": config.geometry.channels if channels is None else channels,
            f"{latent}model_channels": width,
            f"{latent}pos_embedder.model_channels": width,
            **{f"{latent}pos_embedder.{field}": value for field, value in position.items()},
        }
    return fields


def _slat_generator(config: Sam3dConfig) -> Fields:
    network = config.refinement
    return {
        **_embedder(config.stage2_embedder),
        **_flow("FlowMatching", "ClassifierFreeGuidance"),
        f"{_NETWORK}_target_": "SLatFlowModelTdfyWrapper",
        f"{_NETWORK}is_shortcut_model": LeftOut(network.step_size),
        f"{_NETWORK}patch_size": 2,
        f"{_NETWORK}resolution": network.resolution,
        f"{_NETWORK}io_block_channels": [network.io_width],
        f"{_NETWORK}num_io_res_blocks": network.io_blocks,
        **_transformer(network.width, network.condition_width, network.depth, network.heads),
        f"{_NETWORK}mlp_ratio": network.mlp_ratio,
        f"{_NETWORK}in_channels": network.channels,
        f"{_NETWORK}out_channels": network.channels,
    }


def _flow(flow: str, guidance: str) -> Fields:
    return {
        f"{_FLOW}_target_": flow,
        f"{_FLOW}sigma_min": 0.0,
        f"{_FLOW}time_scale": 1000.0,
        f"{_GUIDANCE}_target_": guidance,
        f"{_GUIDANCE}unconditional_handling": "add_flag",
    }


def _transformer(width: int, condition_width: int, depth: int, heads: int) -> Fields:
    fields: Fields = {
        "model_channels": width,
        "cond_channels": condition_width,
        "num_blocks": depth,
        "num_heads": heads,
        "pe_mode": "ape",
        "qk_rms_norm": True,
        "force_zeros_cond": True,
    }
    return {f"{_NETWORK}{name}": value for name, value in fields.items()}


def _embedder(config: EmbedderConfig) -> Fields:
    dino = {
        "_target_": "Dino",
        "dino_model": "dinov2_vitl14_reg",
        "input_size": config.vit.image_size,
        "normalize_images": True,
        "prenorm_features": True if config.prenorm_features else LeftOut(False),
    }
    fields: Fields = {
        "_target_": "EmbedderFuser",
        "projection_net_hidden_dim_multiplier": config.hidden_ratio,
        "use_pos_embedding": "learned",
        "force_drop_modalities": LeftOut(None),
        **{f"embedder_list.{i}.0.{name}": value for i in range(2) for name, value in dino.items()},
        "embedder_list.0.1": [["image", "cropped"], ["rgb_image", "full"]],
        "embedder_list.1.1": [["mask", "cropped"], ["rgb_image_mask", "full"]],
    }
    if config.points is not None:
        fields |= {
            "embedder_list.2.0._target_": "PointPatchEmbed",
            "embedder_list.2.0.embed_dim": config.points.width,
            "embedder_list.2.0.input_size": config.points.image_size,
            "embedder_list.2.0.patch_size": config.points.patch,
            "embedder_list.2.0.remap_output": "linear",
            "embedder_list.2.1": [["pointmap", "cropped"], ["rgb_pointmap", "full"]],
        }
    return {f"{_EMBEDDER}{name}": value for name, value in fields.items()}


def _ss_decoder(config: Sam3dConfig) -> Fields:
    decoder = config.structure_decoder
    return {
        "_target_": "SparseStructureDecoderTdfyWrapper",
        "out_channels": 1,
        "latent_channels": decoder.channels,
        "num_res_blocks": decoder.res_blocks,
        "num_res_blocks_middle": decoder.middle_blocks,
        "channels": list(decoder.widths),
        "reshape_input_to_cube": False,
    }


def _gaussians(decoder: GaussianConfig) -> Fields:
    representation: Fields = {
        **{f"lr.{name}": 1.0 for name in ("_xyz", "_features_dc", "_opacity", "_scaling")},
        "lr._rotation": decoder.rotation_rate,
        "perturb_offset": True,
        "voxel_size": decoder.voxel_size,
        "num_gaussians": decoder.per_voxel,
        "3d_filter_kernel_size": decoder.filter_3d,
        "scaling_bias": decoder.scaling_bias,
        "opacity_bias": decoder.opacity_bias,
        "scaling_activation": "softplus",
    }
    return {
        "_target_": "SLatGaussianDecoderTdfyWrapper",
        **_trunk(decoder.trunk),
        **{f"representation_config.{name}": value for name, value in representation.items()},
    }


def _trunk(trunk: TrunkConfig) -> Fields:
    return {
        "resolution": trunk.resolution,
        "model_channels": trunk.width,
        "latent_channels": trunk.channels,
        "num_blocks": trunk.depth,
        "num_heads": trunk.heads,
        "mlp_ratio": trunk.mlp_ratio,
        "attn_mode": "swin",
        "window_size": trunk.window,
    }


_TABLES: dict[str, Callable[[Sam3dConfig], Fields]] = {
    "pipeline": _pipeline,
    "ss_generator": _ss_generator,
    "slat_generator": _slat_generator,
    "ss_decoder": _ss_decoder,
    "slat_decoder_gs": lambda config: _gaussians(config.gaussians),
    "slat_decoder_gs_4": lambda config: _gaussians(config.gaussians_4),
    "slat_decoder_mesh": lambda config: {
        "_target_": "SLatMeshDecoderTdfyWrapper",
        **_trunk(config.mesh.trunk),
        "representation_config.use_color": True,
    },
}
FILES = tuple(_TABLES)
