"""Shards, sizes as JSON, random weights."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file

from sam3d_ros.model import SMALL, Sam3dConfig, WeightsFolder
from sam3d_ros.model.config import EmbedderConfig, GeometryConfig, RefinementConfig
from sam3d_ros.model.weights import PARTS, TensorSpec, WeightsError, write_random_weights
from sam3d_ros.model.weights.config_file import _build, config_from_json, config_to_json
from sam3d_ros.model.weights.random_weights import random_tensor
from sam3d_ros.model.weights.shards import read_specs, sha256_of, write_shard

specs = st.builds(
    TensorSpec,
    st.lists(st.integers(0, 5), max_size=4).map(tuple),
    st.sampled_from([torch.float32, torch.float16, torch.bfloat16]),
)


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(st.text("abc.0", min_size=1), specs, min_size=1))
def test_the_library_reads_what_we_write(tmp_path_factory, layout):
    path = tmp_path_factory.mktemp("shard") / "part.safetensors"
    tensors = {name: torch.randn(spec.shape).to(spec.dtype) for name, spec in layout.items()}
    digest = write_shard(path, layout, tensors.__getitem__)
    loaded = load_file(path)
    assert loaded.keys() == tensors.keys()
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in tensors.items())
    assert read_specs(path) == layout
    assert digest == sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_every_tensor_begins_at_a_multiple_of_its_item_size(tmp_path):
    layout = {"a": TensorSpec((3,), torch.float16), "b": TensorSpec((5,), torch.float32)}
    write_shard(tmp_path / "x", layout, lambda name: torch.zeros(layout[name].shape, dtype=layout[name].dtype))
    content = (tmp_path / "x").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert (8 + length + header["b"]["data_offsets"][0]) % 4 == 0
    assert (8 + length + header["a"]["data_offsets"][0]) % 2 == 0


def test_a_tensor_that_is_not_contiguous_is_written_as_it_reads(tmp_path):
    turned = torch.arange(6.0).reshape(2, 3).T
    write_shard(tmp_path / "x", {"a": TensorSpec((3, 2), torch.float32)}, lambda name: turned)
    with safe_open(str(tmp_path / "x"), framework="pt") as file:
        assert torch.equal(file.get_tensor("a"), turned)


def test_a_field_that_was_added_later_has_its_default():
    content = config_to_json(SMALL)
    del content["max_voxels"], content["geometry"]["step_size"]
    assert config_from_json(content) == SMALL


def test_sizes_that_may_be_absent_are_read():
    config = config_from_json({"geometry": {"width": 32}, "stage1_embedder": {"points": None}})
    assert config == Sam3dConfig(geometry=GeometryConfig(width=32), stage1_embedder=EmbedderConfig(points=None))


@dataclass(frozen=True)
class Chosen:
    """A config with a choice of words."""

    word: Literal["one", "two"] = "one"
    number: float | None = None


def test_a_choice_of_words_is_read_and_others_are_refused():
    assert _build(Chosen, {"word": "two", "number": 2}, "config") == Chosen("two", 2.0)
    with pytest.raises(WeightsError, match=r"config\.word is 'three', expected"):
        _build(Chosen, {"word": "three"}, "config")


@pytest.mark.parametrize("config", [Sam3dConfig(), SMALL, Sam3dConfig(refinement=RefinementConfig(step_size=True))])
def test_sizes_survive_json(config):
    assert config_from_json(json.loads(json.dumps(config_to_json(config)))) == config


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"max_voxels": True}, "config.max_voxels is True, expected int"),
        ({"slat_mean": [0, "1"]}, "config.slat_mean is '1', expected float"),
        ({"slat_mean": 3}, "config.slat_mean is 3"),
        ({"geometry": None}, "config.geometry is None, expected named fields"),
        ({"other": 1}, "config has the fields ['other'], which this version of sam3d_ros does not know"),
    ],
)
def test_sizes_of_another_type_are_refused(change, named):
    with pytest.raises(WeightsError, match=re.escape(named)):
        config_from_json(config_to_json(SMALL) | change)


def test_random_weights_are_the_same_for_the_same_seed(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_random_weights(tmp_path / name, SMALL, seed=seed)
    first, same, other = (WeightsFolder(tmp_path / name).manifest.parts for name in "abc")
    assert first == same
    assert all(first[part].sha256 != other[part].sha256 for part in PARTS)


def test_random_weights_say_that_they_are_random(tmp_path):
    manifest = write_random_weights(tmp_path / "out", SMALL, seed=5)
    assert manifest.origin == "random, seed 5"
    assert manifest.licence == "none: random numbers, not trained"


def test_random_weights_keep_the_size_of_what_passes_through():
    weight = random_tensor("a.weight", TensorSpec((256, 512), torch.float32), 0)
    answer = torch.randn(64, 512, generator=torch.Generator().manual_seed(0)) @ weight.T
    assert float(answer.std()) == pytest.approx(1, abs=0.05)
    assert float(random_tensor("norm.weight", TensorSpec((512,), torch.float32), 0).mean()) == pytest.approx(
        1, abs=0.01
    )
    assert float(random_tensor("a.bias", TensorSpec((512,), torch.float32), 0).mean()) == pytest.approx(0, abs=0.01)


def test_a_model_without_pointmaps_is_written_and_loaded(tmp_path):
    embedder = replace(SMALL.stage1_embedder, points=None)
    write_random_weights(tmp_path / "out", replace(SMALL, stage1_embedder=embedder), seed=0)
    weights = WeightsFolder(tmp_path / "out")
    assert weights.config.stage1_embedder == embedder
    assert isinstance(weights.config.stage1_embedder, EmbedderConfig)
    assert len(weights.load("stage1_embedder").module_list) == 2
