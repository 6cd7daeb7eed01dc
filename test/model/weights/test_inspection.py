"""What is said of a weights folder, a published folder and a single file."""

from __future__ import annotations

import pytest
import torch
from published import state_dicts, write_folder

import sam3d_ros.model.weights.inspection as inspection
from sam3d_ros.model import SMALL
from sam3d_ros.model.weights import FILES, PARTS, WeightsError, inspect_weights, write_random_weights
from sam3d_ros.model.weights.inspection import Check
from sam3d_ros.model.weights.parts import published_specs


@pytest.fixture
def written(tmp_path):
    write_random_weights(tmp_path / "out", SMALL, seed=0)
    return tmp_path / "out"


@pytest.fixture
def published(tmp_path, monkeypatch):
    monkeypatch.setattr(inspection, "published_specs", lambda: published_specs(SMALL))
    return write_folder(tmp_path / "checkpoints", state_dicts())


def test_a_weights_folder_is_verified(written):
    heard = []
    found = inspect_weights(written, heard.append)
    assert heard == [entry.name for entry in found.entries] == list(PARTS)
    assert {entry.check for entry in found.entries} == {Check.VERIFIED}
    assert found.entries[1].dtypes == ("float16", "float32")
    assert found.config["geometry"]["depth"] == 2


def test_a_shard_and_the_manifest_stand_for_their_folder(written):
    (entry,) = inspect_weights(written / "geometry.safetensors").entries
    assert (entry.name, entry.check) == ("geometry", Check.VERIFIED)
    assert inspect_weights(written / "manifest.json") == inspect_weights(written)


def test_a_published_folder_is_compared_with_the_sizes(published):
    found = inspect_weights(published)
    assert sorted(entry.name for entry in found.entries) == sorted(PARTS)
    assert {entry.check for entry in found.entries} == {Check.KEYS}
    assert {entry.dtypes for entry in found.entries} == {("float32",)}
    assert sum(entry.tensors for entry in found.entries) == sum(len(specs) for specs in published_specs(SMALL).values())
    assert found.licence.startswith("SAM License")


def test_a_published_folder_without_some_files_says_so(published):
    (published / "ss_decoder.ckpt").unlink()
    assert inspect_weights(published).kind == "published checkpoints, without ss_decoder"


@pytest.mark.parametrize("stem", FILES)
def test_a_published_file_holds_its_parts(published, stem):
    entries = inspect_weights(published / f"{stem}.ckpt").entries
    assert [entry.name for entry in entries] == [name for name, part in PARTS.items() if part.file == stem]


def test_any_file_of_tensors_is_described(tmp_path):
    torch.save({"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.int8)}, tmp_path / "some.pt")
    (entry,) = inspect_weights(tmp_path / "some.pt").entries
    assert (entry.tensors, entry.parameters, entry.bytes) == (2, 10, 28)
    assert entry.dtypes == ("float32", "int8")
    assert entry.check is Check.UNKNOWN


def test_what_holds_no_weights_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"neither manifest.json nor any of ss_generator.ckpt"):
        inspect_weights(tmp_path)
    with pytest.raises(WeightsError, match="does not exist"):
        inspect_weights(tmp_path / "nowhere")


def test_a_published_file_that_does_not_fit_is_refused(published):
    torch.save({"a": torch.zeros(2)}, published / "ss_decoder.ckpt")
    with pytest.raises(WeightsError, match=r"ss_decoder.ckpt \(74 keys expected\): 74 missing: input_layer.weight"):
        inspect_weights(published)
