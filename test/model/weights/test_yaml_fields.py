"""The yaml files beside the checkpoints: plain data, compared field by field."""

from __future__ import annotations

import pytest
import yaml
from published import nested, write_yaml

from sam3d_ros.model import SMALL, Sam3dConfig
from sam3d_ros.model.weights import WeightsError
from sam3d_ros.model.weights.fields import check_yaml_files, read_fields
from sam3d_ros.model.weights.supported import FILES, LeftOut, supported_fields

NETWORK = "module.generator.backbone.reverse_fn.backbone"
EMBEDDERS = "module.condition_embedder.backbone.embedder_list"

# What the released files say (../shared/design/sam3d-architecture.md, section 1), written down apart from the tables.
RELEASED = [
    ("pipeline", "pose_decoder_name", "ScaleShiftInvariant"),
    ("pipeline", "slat_rescale_t", 1),
    ("pipeline", "slat_cfg_strength", 1),
    ("pipeline", "downsample_ss_dist", 1),
    ("pipeline", "ss_preprocessor.img_transform.transforms.1.size", 518),
    ("pipeline", "slat_preprocessor.mask_transform.transforms.1.interpolation", 0),
    ("pipeline", "ss_preprocessor.img_mask_pointmap_joint_transform.1.box_size_factor", 1.2),
    ("pipeline", "ss_preprocessor.pointmap_normalizer.use_scene_scale", True),
    ("ss_generator", f"{EMBEDDERS}.0.0.input_size", 518),
    ("ss_generator", f"{EMBEDDERS}.0.1", [["image", "cropped"], ["rgb_image", "full"]]),
    ("ss_generator", f"{EMBEDDERS}.2.0.embed_dim", 512),
    ("ss_generator", f"{EMBEDDERS}.2.0.remap_output", "linear"),
    ("ss_generator", f"{NETWORK}.num_blocks", 24),
    ("ss_generator", f"{NETWORK}.is_shortcut_model", True),
    ("ss_generator", f"{NETWORK}.latent_mapping.shape.pos_embedder.resolution", 16),
    ("ss_generator", f"{NETWORK}.latent_mapping.6drotation_normalized.in_channels", 6),
    ("slat_generator", f"{EMBEDDERS}.1.0.prenorm_features", True),
    ("slat_generator", f"{NETWORK}.io_block_channels", [128]),
    ("slat_generator", f"{NETWORK}.resolution", 64),
    ("ss_decoder", "channels", [512, 128, 32]),
    ("ss_decoder", "reshape_input_to_cube", False),
    ("slat_decoder_gs", "representation_config.voxel_size", 1.5),
    ("slat_decoder_gs", "representation_config.num_gaussians", 32),
    ("slat_decoder_gs", "representation_config.lr._rotation", 0.1),
    ("slat_decoder_gs_4", "representation_config.num_gaussians", 4),
    ("slat_decoder_gs_4", "window_size", 8),
    ("slat_decoder_mesh", "num_heads", 12),
    ("slat_decoder_mesh", "representation_config.use_color", True),
]


def refused(folder, config=SMALL):
    with pytest.raises(WeightsError) as caught:
        check_yaml_files(folder, config)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("stem", "field", "value"), RELEASED)
def test_the_released_numbers_are_the_supported_ones(stem, field, value):
    assert supported_fields(stem, Sam3dConfig())[field] == value


def test_the_released_sampler_numbers_are_those_of_the_constructor():
    fields = supported_fields("pipeline", Sam3dConfig())
    names = ("ss_inference_steps", "ss_rescale_t", "ss_cfg_strength", "ss_cfg_interval", "slat_inference_steps")
    assert [fields[name] for name in names] == [LeftOut(25), LeftOut(3), LeftOut(7), LeftOut([0, 500]), LeftOut(25)]


def test_files_that_fit_are_read_to_the_last_field(tmp_path):
    write_yaml(tmp_path, Sam3dConfig())
    report = check_yaml_files(tmp_path, Sam3dConfig())
    assert report.read == tuple(f"{stem}.yaml" for stem in FILES)
    assert report.absent == report.unknown == ()


def test_a_field_that_the_original_fills_in_may_be_left_out_and_others_may_not(tmp_path):
    for stem in ("ss_decoder", "slat_decoder_gs", "slat_generator"):
        fields = supported_fields(stem, SMALL)
        optional = [name for name, entry in fields.items() if isinstance(entry, LeftOut)]
        for left_out in fields:
            kept = {
                name: entry.means if isinstance(entry, LeftOut) else entry
                for name, entry in fields.items()
                if name != left_out
            }
            (tmp_path / f"{stem}.yaml").write_text(_dump(kept))
            if left_out in optional:
                check_yaml_files(tmp_path, SMALL)
            elif not left_out.rpartition(".")[2].isdigit():
                assert f"{stem}.yaml: {left_out} is absent" in refused(tmp_path)
        (tmp_path / f"{stem}.yaml").unlink()


def _dump(fields):
    try:
        return yaml.safe_dump(nested(fields))
    except KeyError:  # a list without its first entry cannot be written; one without a named field can
        return yaml.safe_dump(fields)


@pytest.mark.parametrize(
    ("stem", "field", "value"),
    [
        ("pipeline", "slat_cfg_strength", 2),
        ("pipeline", "slat_mean", [0.0] * 8),
        ("pipeline", "slat_mean", [0.12211431]),
        ("pipeline", "ss_preprocessor.img_transform.transforms.1.size", 770),
        ("pipeline", "ss_cfg_interval", [0, 1000]),
        ("pipeline", "layout_post_optimization_method", "some.function"),
        ("pipeline", "_target_", "other.pipeline.InferencePipeline"),
        ("ss_generator", f"{EMBEDDERS}.0.0.dino_model", "dinov2_vitb14"),
        ("ss_generator", f"{EMBEDDERS}.1.1", [["mask", "full"], ["rgb_image_mask", "cropped"]]),
        ("ss_generator", f"{NETWORK}.qk_rms_norm", 1),
        ("ss_generator", f"{NETWORK}.num_blocks", 12),
        ("ss_generator", f"{NETWORK}.pe_mode", "rope"),
        ("slat_generator", f"{NETWORK}.num_blocks", "2"),
        ("slat_decoder_gs", "representation_config.voxel_size", 0.5),
        ("slat_decoder_mesh", "resolution", 96),
        ("slat_decoder_mesh", "resolution", None),
    ],
)
def test_a_field_that_differs_is_refused_by_file_field_and_value(tmp_path, stem, field, value):
    write_yaml(tmp_path, SMALL, **{stem: {field: value}})
    shown = value.rpartition(".")[2] if field.endswith("_target_") else value
    assert f"{stem}.yaml: {field} is {shown!r}, supported is " in refused(tmp_path)


def test_all_fields_that_differ_are_in_one_message(tmp_path):
    write_yaml(tmp_path, SMALL, pipeline={"slat_rescale_t": 3}, slat_decoder_mesh={"window_size": 4.5})
    message = refused(tmp_path)
    assert "pipeline.yaml: slat_rescale_t is 3" in message
    assert "slat_decoder_mesh.yaml: window_size is 4.5" in message


def test_fields_of_training_and_of_file_names_are_passed_over(tmp_path):
    training = {
        "module.condition_embedder.backbone.dropout_prob": 0.1,
        "module.condition_embedder.backbone.drop_modalities_weight": [[["pointmap", "rgb_pointmap"], 1.0]],
        "module.generator.backbone.loss_weights.shape": 0,
        "module.generator.backbone.loss_weights._target_": "some.make_dict",
        "module.generator.backbone.inference_steps": 2,
        "module.generator.backbone.reverse_fn.interval": [0, 500],
        "module.generator.backbone.reverse_fn.strength": 2.0,
        f"{NETWORK}.use_fp16": False,
    }
    paths = {"ss_generator_ckpt_path": "ss_generator.ckpt", "depth_model.model._target_": "moge", "dtype": "float16"}
    write_yaml(tmp_path, SMALL, ss_generator=training, pipeline=paths)
    assert check_yaml_files(tmp_path, SMALL).unknown == ()


def test_a_field_that_nobody_knows_is_reported(tmp_path):
    write_yaml(tmp_path, SMALL, slat_decoder_mesh={"new_switch": True})
    assert check_yaml_files(tmp_path, SMALL).unknown == ("slat_decoder_mesh.yaml: new_switch = True",)


def test_targets_are_names_and_never_called(tmp_path):
    (tmp_path / "pipeline.yaml").write_text("_target_: os.mkdir\npath: made\n")
    assert "pipeline.yaml: _target_ is 'mkdir'" in refused(tmp_path)
    assert read_fields(tmp_path / "pipeline.yaml") == {"_target_": "mkdir", "path": "made"}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "holds NoneType, expected named fields"),
        (b"- 1\n- 2\n", "holds list"),
        (b"a: [1", "no plain yaml"),
        (b"a: !!python/object/apply:os.mkdir [made]", "no plain yaml"),
        (b"a: 2001-99-99", "no plain yaml"),
        (b"a: &a [*a]", "no plain yaml (an alias"),
        (b"a: " + b"[" * 100_000, "more than 40 levels"),
        (b"\xff\xfe\xfd", "no text"),
        (b"a: " + b"x" * 2**20, "larger than"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(tmp_path, content, named):
    path = tmp_path / "ss_decoder.yaml"
    path.write_bytes(content)
    message = refused(tmp_path)
    assert message.startswith(f"{path}: ")
    assert named in message
