"""Published state dicts as a model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from published import state_dicts

from sam3d_ros.model import SMALL, load_official
from sam3d_ros.model.weights import FILES, PARTS, MissingPartError, WeightsError

QKV = "_base_models.generator.reverse_fn.backbone.blocks.0.self_attn.to_qkv.shape.weight"


@pytest.fixture
def dicts():
    return state_dicts()


def test_every_weight_is_where_its_published_key_says(dicts):
    model = load_official(dicts, SMALL)
    loaded = {
        (part.file, part.prefix + key): tensor
        for name, part in PARTS.items()
        for key, tensor in getattr(model, name).state_dict().items()
    }
    assert loaded.keys() == {(stem, key) for stem, tensors in dicts.items() for key in tensors}
    assert all(torch.equal(tensor, dicts[stem][key]) for (stem, key), tensor in loaded.items())


def test_the_parts_are_ready_for_inference(dicts):
    model = load_official(dicts, SMALL)
    assert not any(module.training for name in PARTS for module in getattr(model, name).modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_weights_in_the_asked_dtype_are_shared_and_not_changed(dicts):
    model = load_official({"ss_generator": dicts["ss_generator"]}, SMALL)
    shared = model.geometry.state_dict()["blocks.0.self_attn.to_qkv.shape.weight"]
    assert shared.data_ptr() == dicts["ss_generator"][QKV].data_ptr()


def test_half_precision_leaves_the_islands_in_float32(dicts):
    model = load_official({"ss_generator": dicts["ss_generator"]}, SMALL, dtype=torch.bfloat16)
    tensors = model.geometry.state_dict()
    assert tensors["blocks.0.self_attn.to_qkv.shape.weight"].dtype == torch.bfloat16
    assert tensors["blocks.0.norm2.shape.weight"].dtype == torch.float32
    assert tensors["latent_mapping.shape.pos_emb"].dtype == torch.float32


def test_a_half_state_dict_is_widened(dicts):
    half = {key: tensor.half() for key, tensor in dicts["ss_decoder"].items()}
    model = load_official({"ss_decoder": half}, SMALL)
    assert {tensor.dtype for tensor in model.structure_decoder.state_dict().values()} == {torch.float32}


@pytest.mark.parametrize("stem", FILES)
def test_a_part_whose_file_was_not_given_is_named_when_it_is_asked_for(dicts, stem):
    model = load_official({other: tensors for other, tensors in dicts.items() if other != stem}, SMALL)
    for name, part in PARTS.items():
        assert hasattr(model, name) == (part.file != stem)
        if part.file == stem:
            with pytest.raises(MissingPartError, match=rf"{name} was not loaded; it is in {stem}"):
                getattr(model, name)


def test_everything_that_differs_is_in_one_message(dicts):
    dicts["ss_generator"][QKV] = torch.zeros(3, 64)
    del dicts["ss_decoder"]["input_layer.bias"]
    dicts["slat_decoder_gs"]["blocks.7.attn.to_out.bias"] = torch.zeros(5)
    with pytest.raises(WeightsError) as caught:
        load_official(dicts, SMALL)
    message = str(caught.value)
    assert f"ss_generator (215 keys expected): 1 wrongly shaped: {QKV} (expected 192x64, found 3x64)" in message
    assert "ss_decoder (74 keys expected): 1 missing: input_layer.bias (expected 32)" in message
    assert "slat_decoder_gs (21 keys expected): 1 unexpected: blocks.7.attn.to_out.bias (found 5)" in message
    assert "Give complete state dicts" in message
    assert "\n" not in message


def test_a_file_of_other_sizes_is_not_listed_without_end(dicts):
    with pytest.raises(WeightsError) as caught:
        load_official(dicts)
    assert "more" in str(caught.value)
    assert len(str(caught.value)) < 30_000


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_not_finite_is_refused_by_name(dicts, value):
    dicts["ss_generator"][QKV][3, 5] = value
    with pytest.raises(WeightsError, match=rf"ss_generator: {QKV}: 1 of 12288 weights are NaN or infinite"):
        load_official(dicts, SMALL)


@pytest.mark.parametrize("change", [{"heads": 0}, {"width": -64}])
def test_sizes_of_which_nothing_can_be_built_are_refused(dicts, change):
    config = replace(SMALL, geometry=replace(SMALL.geometry, **change))
    with pytest.raises(WeightsError, match="geometry cannot be built in the sizes of its config"):
        load_official(dicts, config)


def test_an_unknown_file_is_refused_with_the_names_that_exist(dicts):
    with pytest.raises(WeightsError, match=r"no published file is called 'ss_encoder'; they are ss_generator, "):
        load_official({"ss_encoder": dicts["ss_decoder"]}, SMALL)


@pytest.mark.parametrize("value", [torch.zeros(32, dtype=torch.int64), [0.0] * 32])
def test_numbers_that_are_no_floating_point_tensor_are_refused(dicts, value):
    dicts["ss_decoder"]["input_layer.bias"] = value
    with pytest.raises(WeightsError, match=r"ss_decoder: input_layer.bias is .*, expected a tensor of floating-point"):
        load_official(dicts, SMALL)
