"""The published folder turned into a weights folder, and everything that stops it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from published import state_dicts, write_checkpoint, write_folder, write_yaml

from sam3d_ros.model import SMALL, WeightsFolder, load_official
from sam3d_ros.model.weights import FILES, PARTS, WeightsError, import_weights

DECODER_KEY = "middle_block.0.conv1.weight"
QKV = "_base_models.generator.reverse_fn.backbone.blocks.0.self_attn.to_qkv.shape.weight"


@pytest.fixture(scope="module")
def dicts():
    return state_dicts()


@pytest.fixture
def folder(tmp_path, dicts):
    return write_folder(tmp_path / "checkpoints", dicts)


def refused(folder, tmp_path, **options):
    """The one line that an import ends with; nothing may be left beside the published folder."""
    before = sorted(tmp_path.iterdir())
    with pytest.raises(WeightsError) as caught:
        import_weights(folder, tmp_path / "out", config=SMALL, **options)
    assert sorted(tmp_path.iterdir()) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
def test_what_was_imported_is_what_was_published(tmp_path, dicts, suffix):
    folder = write_folder(tmp_path / "checkpoints", dicts, suffix)
    import_weights(folder, tmp_path / "out", dtype="float32", config=SMALL)
    weights, official = WeightsFolder(tmp_path / "out", verify=True), load_official(dicts, SMALL)
    for part in PARTS:
        expected = getattr(official, part).state_dict()
        loaded = weights.load(part).state_dict()
        assert loaded.keys() == expected.keys()
        assert all(torch.equal(tensor, expected[key]) for key, tensor in loaded.items())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_blocks_are_stored_in_half_and_all_else_in_float32(tmp_path, folder, dicts, dtype):
    import_weights(folder, tmp_path / "out", dtype=dtype, config=SMALL)
    half, geometry = getattr(torch, dtype), WeightsFolder(tmp_path / "out").load("geometry").state_dict()
    qkv, norm = geometry["blocks.0.self_attn.to_qkv.shape.weight"], geometry["blocks.0.norm2.shape.weight"]
    assert torch.equal(qkv, dicts["ss_generator"][QKV].to(half))
    assert norm.dtype == torch.float32


def test_the_manifest_says_where_the_weights_come_from(tmp_path, folder):
    manifest = import_weights(folder, tmp_path / "out", config=SMALL).manifest
    assert manifest.sources == {f"{stem}.ckpt": (folder / f"{stem}.ckpt").stat().st_size for stem in FILES}
    assert manifest.licence.startswith("SAM License")
    assert WeightsFolder(tmp_path / "out").manifest == manifest


def test_progress_counts_bytes_up_to_all(tmp_path, folder):
    heard = []
    import_weights(folder, tmp_path / "out", config=SMALL, progress=lambda done, total: heard.append((done, total)))
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1]


def test_yaml_that_is_absent_is_reported(tmp_path, folder):
    report = import_weights(folder, tmp_path / "out", config=SMALL).yaml
    assert report.read == ()
    assert report.absent == ("pipeline.yaml", *(f"{stem}.yaml" for stem in YAML_ORDER))


YAML_ORDER = (
    "ss_generator", "slat_generator", "ss_decoder", "slat_decoder_gs", "slat_decoder_gs_4", "slat_decoder_mesh",
)  # fmt: skip


def test_yaml_that_fits_is_read(tmp_path, folder):
    write_yaml(folder)
    report = import_weights(folder, tmp_path / "out", config=SMALL).yaml
    assert len(report.read) == 7
    assert report.absent == report.unknown == ()


def test_yaml_that_differs_is_refused(tmp_path, folder):
    write_yaml(folder, pipeline={"slat_cfg_strength": 5})
    assert "pipeline.yaml: slat_cfg_strength is 5, supported is 1.0" in refused(folder, tmp_path)


def test_missing_files_are_named(tmp_path, folder):
    for stem in ("slat_decoder_gs_4", "ss_decoder"):
        (folder / f"{stem}.ckpt").unlink()
    assert "ss_decoder.ckpt, slat_decoder_gs_4.ckpt missing" in refused(folder, tmp_path)


def test_a_wrong_folder_is_refused_with_the_files_that_it_should_have(tmp_path):
    (tmp_path / "else").mkdir()
    assert "none of ss_generator.ckpt, " in refused(tmp_path / "else", tmp_path)


def test_the_folder_above_is_refused_with_the_right_one(tmp_path, dicts):
    write_folder(tmp_path / "download" / "checkpoints", dicts)
    assert f"give {tmp_path / 'download' / 'checkpoints'}" in refused(tmp_path / "download", tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path, folder):
    assert "is a file; give the folder with ss_generator.ckpt" in refused(folder / "ss_decoder.ckpt", tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert "does not exist" in refused(tmp_path / "nowhere", tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path, folder, dicts):
    write_checkpoint(folder / "ss_decoder.safetensors", dicts["ss_decoder"])
    assert "both ss_decoder.ckpt and ss_decoder.safetensors; keep one" in refused(folder, tmp_path)


def test_all_that_is_wrong_with_the_keys_of_all_files_is_in_one_message(tmp_path, folder, dicts):
    generator = {key: tensor for key, tensor in dicts["ss_generator"].items() if key != QKV} | {"ema": torch.zeros(2)}
    write_checkpoint(folder / "ss_generator.ckpt", generator)
    write_checkpoint(folder / "ss_decoder.ckpt", dicts["ss_decoder"] | {DECODER_KEY: torch.zeros(1, 2)})
    message = refused(folder, tmp_path)
    assert f"ss_generator.ckpt (215 keys expected): 1 missing: {QKV} (expected 192x64); 1 unexpected: ema" in message
    assert f"ss_decoder.ckpt (74 keys expected): 1 wrongly shaped: {DECODER_KEY} (expected 32x32x3x3x3" in message
    assert "Get all files of the folder again" in message


def test_other_sizes_than_the_released_ones_are_refused(tmp_path, folder):
    with pytest.raises(WeightsError, match=r"weights do not fit the model: ss_generator\.ckpt"):
        import_weights(folder, tmp_path / "out", config=replace(SMALL, geometry=replace(SMALL.geometry, width=128)))


def test_weights_that_are_whole_numbers_are_refused(tmp_path, folder, dicts):
    quantised = dicts["ss_decoder"][DECODER_KEY].to(torch.int8)
    write_checkpoint(folder / "ss_decoder.ckpt", dicts["ss_decoder"] | {DECODER_KEY: quantised})
    assert f"ss_decoder.ckpt: {DECODER_KEY} is torch.int8 32x32x3x3x3, expected floating-point" in refused(
        folder, tmp_path
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_file_and_published_key(tmp_path, folder, dicts, value):
    broken = dicts["ss_generator"][QKV].clone()
    broken[0, :2] = value
    write_checkpoint(folder / "ss_generator.ckpt", dicts["ss_generator"] | {QKV: broken})
    assert f"ss_generator.ckpt: {QKV}: 2 of 12288 weights are NaN or infinite" in refused(folder, tmp_path)


def test_a_weight_too_large_for_half_is_refused_and_fits_bfloat16(tmp_path, folder, dicts):
    large = dicts["ss_generator"][QKV].clone()
    large[0, 0] = 7e4
    write_checkpoint(folder / "ss_generator.ckpt", dicts["ss_generator"] | {QKV: large})
    assert f"ss_generator.ckpt: {QKV}: 70000 is too large for torch.float16; take bfloat16" in refused(folder, tmp_path)
    import_weights(folder, tmp_path / "out", dtype="bfloat16", config=SMALL)


def test_an_unknown_dtype_is_refused(tmp_path, folder):
    assert "cannot be stored as 'int8'; take one of float16" in refused(folder, tmp_path, dtype="int8")
