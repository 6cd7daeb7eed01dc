"""Weights folders read for inference."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sam3d_ros.model import SMALL, WeightsFolder, load_weights
from sam3d_ros.model.weights import PARTS, MissingPartError, WeightsError, write_random_weights
from sam3d_ros.model.weights.parts import computed_specs


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    output = tmp_path_factory.mktemp("weights") / "small"
    write_random_weights(output, SMALL, seed=3)
    return output


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def change_manifest(folder, change):
    path = folder / "manifest.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def replace_shard(folder, part, tensors):
    """Another shard of which the manifest knows size and hash: only its keys are wrong."""
    path = folder / f"{part}.safetensors"
    save_file(tensors, path)
    facts = {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    change_manifest(folder, lambda content: content["parts"][part].update(facts))


def refused(action, *arguments, **options):
    with pytest.raises(WeightsError) as caught:
        action(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_all_parts_are_loaded_ready_for_inference(folder):
    model = load_weights(folder)
    for part in PARTS:
        module = getattr(model, part)
        assert not any(inner.training for inner in module.modules())
        assert not any(parameter.requires_grad for parameter in module.parameters())


def test_only_the_named_parts_are_read(folder):
    (folder / "geometry.safetensors").unlink()
    model = load_weights(folder, parts=["structure_decoder", "mesh_decoder"])
    assert [name for name, _ in model.named_children()] == ["structure_decoder", "mesh_decoder"]
    with pytest.raises(MissingPartError, match="geometry was not loaded"):
        _ = model.geometry


@pytest.mark.parametrize("dtype", [None, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_the_stored_numbers_in_the_dtype_that_it_computes_in(folder, part, dtype):
    stored = load_file(folder / f"{part}.safetensors")
    wanted = computed_specs(part, SMALL, dtype or torch.float16)
    loaded = WeightsFolder(folder).load(part, dtype=dtype).state_dict()
    assert {key: tensor.dtype for key, tensor in loaded.items()} == {key: spec.dtype for key, spec in wanted.items()}
    assert all(torch.equal(tensor, stored[key].to(tensor.dtype)) for key, tensor in loaded.items())


@pytest.mark.parametrize("dtype", [None, torch.float32])
@pytest.mark.parametrize("part", PARTS)
def test_the_memory_of_a_part_is_known_before_it_is_loaded(folder, part, dtype):
    weights = WeightsFolder(folder)
    tensors = weights.load(part, dtype=dtype).state_dict().values()
    assert weights.nbytes(part, dtype) == sum(tensor.nbytes for tensor in tensors)


def test_a_loaded_part_survives_a_new_folder_in_the_place_of_its_own(folder, tmp_path):
    module = load_weights(folder, parts=["geometry"]).geometry
    before = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    shutil.rmtree(folder)
    write_random_weights(folder, SMALL, seed=4)
    assert all(torch.equal(tensor, before[key]) for key, tensor in module.state_dict().items())


def test_a_hash_that_differs_is_found_when_asked_for(folder):
    path = folder / "refinement.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert "refinement.safetensors: SHA-256 is" in refused(WeightsFolder, folder, verify=True)
    assert "import the weights again" in refused(WeightsFolder(folder).verify, "refinement")


def test_a_shard_cut_short_is_found_without_reading_it(folder):
    path = folder / "geometry.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    message = refused(WeightsFolder(folder).load, "geometry")
    assert "geometry.safetensors: " in message
    assert "bytes, the manifest says" in message


def test_a_shard_that_is_gone_is_named(folder):
    (folder / "geometry.safetensors").unlink()
    assert "geometry.safetensors: cannot be read (No such file" in refused(WeightsFolder(folder).load, "geometry")


def test_the_shard_of_another_part_is_refused_with_its_keys(folder):
    replace_shard(folder, "geometry", load_file(folder / "structure_decoder.safetensors"))
    message = refused(WeightsFolder(folder).load, "geometry")
    assert "missing: " in message
    assert "unexpected: " in message
    assert "Import the weights again" in message


def test_a_tensor_of_another_shape_is_refused_with_both_shapes(folder):
    tensors = load_file(folder / "structure_decoder.safetensors")
    replace_shard(folder, "structure_decoder", tensors | {"input_layer.bias": torch.zeros(7)})
    message = refused(WeightsFolder(folder).load, "structure_decoder")
    assert "1 wrongly shaped: input_layer.bias (expected 32, found 7)" in message


def test_a_tensor_of_another_kind_of_number_is_refused(folder):
    tensors = load_file(folder / "structure_decoder.safetensors")
    integers = tensors["input_layer.bias"].to(torch.int64)
    replace_shard(folder, "structure_decoder", tensors | {"input_layer.bias": integers})
    assert "input_layer.bias is I64, expected one of F32" in refused(WeightsFolder(folder).load, "structure_decoder")


def test_an_unknown_part_is_refused_with_the_names_that_exist(folder):
    assert "no part of the model is called 'encoder'; the parts are stage1_embedder" in refused(
        WeightsFolder(folder).load, "encoder"
    )


def test_a_part_that_the_folder_lacks_is_refused(folder):
    change_manifest(folder, lambda content: content["parts"].pop("gaussian_decoder_4"))
    assert "has no gaussian_decoder_4; its parts are" in refused(WeightsFolder(folder).load, "gaussian_decoder_4")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: content.pop("dtype"), "the field 'dtype' is absent"),
        (lambda content: content.update(format=2), "format is 2, supported is 1"),
        (lambda content: content.update(dtype="int8"), "dtype is 'int8', expected one of float16"),
        (lambda content: content.update(licence=None), "licence is None, expected a text"),
        (lambda content: content.update(parts=[]), "import the weights again"),
        (lambda content: content["config"].update(more=1), "config has the fields ['more'], which this version"),
        (lambda content: content["config"]["geometry"].update(depth="2"), "config.geometry.depth is '2', expected int"),
        (lambda content: content["config"]["geometry"].update(depth=2.0), "config.geometry.depth is 2.0, expected int"),
        (lambda content: content["parts"]["geometry"].update(file="../geometry.safetensors"), "parts.geometry.file is"),
        (lambda content: content["parts"]["geometry"].update(bytes="1"), "parts.geometry has bytes"),
        (lambda content: content["parts"]["geometry"].pop("bytes"), "import the weights again"),
        (lambda content: content["parts"].update(encoder={}), "parts is 'encoder', expected one of stage1_embedder"),
    ],
)
def test_a_manifest_that_was_changed_is_refused(folder, change, named):
    change_manifest(folder, change)
    message = refused(WeightsFolder, folder)
    assert named in message
    assert "manifest.json" in message


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"null"])
def test_a_manifest_that_is_none_is_refused(folder, content):
    (folder / "manifest.json").write_bytes(content)
    assert "manifest.json: " in refused(WeightsFolder, folder)


def test_a_folder_without_manifest_is_refused_with_what_to_do(folder, tmp_path):
    (folder / "manifest.json").unlink()
    assert "no manifest.json, so no imported weights; give the folder" in refused(WeightsFolder, folder)
    (folder / "ss_generator.ckpt").touch()
    assert f"run `sam3d-ros weights import {folder}` first" in refused(WeightsFolder, folder)
    assert "does not exist; give the folder" in refused(WeightsFolder, tmp_path / "nowhere")
    assert "is a file; give the folder" in refused(WeightsFolder, folder / "geometry.safetensors")


PEAK = """
import gc, sys
from pathlib import Path
import torch
from sam3d_ros.model import WeightsFolder

def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024

weights = WeightsFolder(sys.argv[1])
dtype = getattr(torch, sys.argv[2])
weights.load("structure_decoder", dtype=dtype)  # what is imported and allocated once
gc.collect()
before = memory("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
module = weights.load("refinement", dtype=dtype)
total = sum(float(tensor.sum()) for tensor in module.state_dict().values())  # touch every page
print(memory("VmHWM") - before, sum(tensor.nbytes for tensor in module.state_dict().values()))
del module
gc.collect()
print(memory("VmRSS") - before)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A shard of about 160 MB."""
    from dataclasses import replace

    output = tmp_path_factory.mktemp("weights") / "large"
    wide = replace(SMALL.refinement, width=768, condition_width=512, depth=4, heads=12, io_width=128)
    write_random_weights(output, replace(SMALL, refinement=wide), seed=0)
    return output


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_peak_memory_while_loading_stays_below_one_fifth_more_than_the_weights(large, dtype):
    """Resident memory of a process of its own, from before the load to after every weight was touched.

    The kernel's high-water mark (VmHWM) is set back before the load, and counts mapped pages of the file as well. In
    the stored float16 the weights are those pages; in float32 they are twice the size of the shard.
    """
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("no /proc/self/clear_refs: the kernel's high-water mark cannot be set back")
    done = subprocess.run([sys.executable, "-c", PEAK, str(large), dtype], check=True, capture_output=True, text=True)
    peak, size, after = map(int, done.stdout.split())
    shard = (large / "refinement.safetensors").stat().st_size
    assert shard > 140e6
    assert peak < 1.2 * max(size, shard)
    assert after < 0.1 * shard
