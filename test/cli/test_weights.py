"""`sam3d-ros weights`: what it prints, and one line with exit status 2 for everything that cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from sam3d_ros.cli import main
from sam3d_ros.model import SMALL, Sam3dConfig, WeightsFolder
from sam3d_ros.model.weights import FILES, PARTS, importing, published_specs, random_weights
from sam3d_ros.model.weights.random_weights import random_tensor

NORM = "_base_models.generator.reverse_fn.backbone.blocks.0.norm2.shape.weight"


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Small checkpoints under the published names."""
    folder = tmp_path_factory.mktemp("published")
    for stem, specs in published_specs(SMALL).items():
        tensors = {key: random_tensor(key, spec, 0) for key, spec in specs.items()}
        torch.save({"state_dict": tensors} if "generator" in stem else tensors, folder / f"{stem}.ckpt")
    return folder


@pytest.fixture
def published(originals, tmp_path, monkeypatch):
    """A copy of them that the command takes for the released sizes."""
    monkeypatch.setattr(importing, "Sam3dConfig", lambda: SMALL)
    return Path(shutil.copytree(originals, tmp_path / "checkpoints"))


@pytest.fixture
def written(tmp_path, capsys):
    assert main(["weights", "random", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    return tmp_path / "out"


def refused(capsys, *arguments):
    """The line on standard error of a command that ends with status 2."""
    assert main(["weights", *map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("sam3d-ros weights: ")
    assert printed.err.count("\n") == 1
    return printed.err


def refused_import(capsys, folder, *options):
    """The same for an import, after which nothing lies beside the published folder that did not before."""
    before = sorted(folder.parent.iterdir())
    line = refused(capsys, "import", folder, *options)
    assert sorted(folder.parent.iterdir()) == before
    return line


def change(path, edit):
    """Load a checkpoint, change it, save it."""
    content = torch.load(path)
    edit(content.get("state_dict", content))
    torch.save(content, path)


def test_an_import_says_what_it_wrote_and_under_which_licence(published, capsys):
    assert main(["weights", "import", str(published)]) == 0
    printed = capsys.readouterr()
    output = published.with_name("checkpoints-float16")
    assert printed.out.startswith(f"{output}: 8 parts, ")
    assert "licence: SAM License" in printed.out
    assert "absent, so the released numbers are taken: pipeline.yaml" in printed.err
    assert WeightsFolder(output, verify=True).parts == tuple(PARTS)


def test_output_and_dtype_can_be_chosen(published, tmp_path):
    output = tmp_path / "elsewhere" / "weights"
    assert main(["weights", "import", str(published), "--output", str(output), "--dtype", "float32"]) == 0
    assert WeightsFolder(output).dtype == torch.float32


def test_an_unknown_field_of_a_yaml_file_is_said(published, capsys):
    decoder = {
        "_target_": "a.SparseStructureDecoderTdfyWrapper", "out_channels": 1, "latent_channels": 8, "num_res_blocks": 2,
        "num_res_blocks_middle": 2, "channels": [32, 16, 8], "reshape_input_to_cube": False, "new_field": "x",
    }  # fmt: skip
    (published / "ss_decoder.yaml").write_text(yaml.safe_dump(decoder))
    assert main(["weights", "import", str(published)]) == 0
    assert "does not know, passed over: ss_decoder.yaml: new_field = 'x'" in capsys.readouterr().err


def test_a_truncated_file(published, capsys):
    path = published / "slat_generator.ckpt"
    path.write_bytes(path.read_bytes()[:-1000])
    assert f"{path}: cut short" in refused_import(capsys, published)


def test_a_wrong_folder(tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    line = refused_import(capsys, tmp_path / "photos")
    assert all(f"{stem}.ckpt" in line for stem in FILES)


def test_a_folder_that_does_not_exist(tmp_path, capsys):
    assert "does not exist" in refused_import(capsys, tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder(published, capsys):
    assert "is a file; give the folder" in refused_import(capsys, published / "ss_decoder.ckpt")


def test_a_pickle_that_executes_code(published, tmp_path, capsys):
    torch.save({"state_dict": {}, "hook": Hostile(tmp_path / "made")}, published / "ss_generator.ckpt")
    line = refused_import(capsys, published)
    assert "ss_generator.ckpt: wants to execute code when it is opened (calls posix.mkdir), which is refused" in line


def test_other_shapes(published, capsys):
    change(published / "ss_generator.ckpt", lambda tensors: tensors.update({NORM: torch.ones(3, 5)}))
    assert (
        f"ss_generator.ckpt (215 keys expected): 1 wrongly shaped: {NORM} (expected 64, found 3x5)"
        in refused_import(capsys, published)
    )


def test_nan_weights(published, capsys):
    change(published / "ss_generator.ckpt", lambda tensors: tensors[NORM].fill_(float("nan")))
    assert f"ss_generator.ckpt: {NORM}: 64 of 64 weights are NaN or infinite" in refused_import(capsys, published)


def test_missing_and_extra_keys(published, capsys):
    change(published / "ss_generator.ckpt", lambda tensors: tensors.pop(NORM))
    change(published / "ss_decoder.ckpt", lambda tensors: tensors.update(extra=torch.zeros(2)))
    line = refused_import(capsys, published)
    assert f"1 missing: {NORM} (expected 64)" in line
    assert "1 unexpected: extra (found 2)" in line


def test_small_checkpoints_are_not_the_released_ones(originals, tmp_path, capsys):
    folder = Path(shutil.copytree(originals, tmp_path / "checkpoints"))
    line = refused_import(capsys, folder)
    assert "ss_generator.ckpt (1667 keys expected)" in line
    assert len(line) < 50_000


def test_a_yaml_file_of_another_model(published, capsys):
    (published / "slat_decoder_mesh.yaml").write_text("_target_: a.SLatMeshDecoderTdfyWrapper\nresolution: 96\n")
    assert "slat_decoder_mesh.yaml: resolution is 96, supported is 16" in refused_import(capsys, published)


def test_an_output_that_exists(published, tmp_path, capsys):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    assert "exists already" in refused_import(capsys, published, "--output", tmp_path / "taken")


def test_no_permission_to_write(published, tmp_path, capsys):
    tmp_path.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        shutil.chown(tmp_path, 65534)
        os.seteuid(65534)
    try:
        line = refused(capsys, "random", tmp_path / "out")
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)
    assert "(Permission denied)" in line


def test_no_permission_to_read(published, capsys):
    user = os.geteuid()
    (published / "ss_decoder.ckpt").chmod(0)
    if user == 0:
        os.seteuid(65534)
    try:
        line = refused(capsys, "import", published)
    finally:
        os.seteuid(user)
    assert "cannot be read (Permission denied)" in line


def test_a_hash_that_differs(written, capsys):
    path = written / "geometry.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert f"{path}: SHA-256 is" in refused(capsys, "inspect", written)
    assert f"{path}: SHA-256 is" in refused(capsys, "inspect", path)


def test_inspection_of_a_weights_folder(written, capsys):
    assert main(["weights", "inspect", str(written)]) == 0
    printed = capsys.readouterr().out
    assert "origin: random, seed 0" in printed
    assert "config: other than the published one in" in printed
    assert all(part in printed for part in PARTS)
    assert printed.count("SHA-256 verified") == len(PARTS)


def test_inspection_as_json(written, capsys):
    assert main(["weights", "inspect", str(written), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in found["entries"]] == list(PARTS)
    assert {entry["check"] for entry in found["entries"]} == {"SHA-256 verified"}
    assert found["config"]["mesh"]["widths"] == [32, 16]


def test_inspection_of_a_single_file(tmp_path, capsys):
    torch.save({"a": torch.zeros(2, 3)}, tmp_path / "some.pt")
    assert main(["weights", "inspect", str(tmp_path / "some.pt")]) == 0
    assert "not compared" in capsys.readouterr().out


def test_random_weights_have_the_asked_sizes_seed_and_dtype(tmp_path):
    output = tmp_path / "out"
    assert main(["weights", "random", str(output), "--seed", "7", "--dtype", "bfloat16"]) == 0
    manifest = WeightsFolder(output).manifest
    assert (manifest.origin, manifest.dtype, manifest.config) == ("random, seed 7", "bfloat16", SMALL)


def test_a_seed_out_of_range(tmp_path, capsys):
    assert "--seed must lie in 0..2147483647, got -1" in refused(capsys, "random", tmp_path / "out", "--seed", -1)


def test_an_interrupted_command_leaves_nothing_and_says_so(tmp_path, capsys, monkeypatch):
    def interrupted(key, spec, seed):
        if "refinement" in key:
            raise KeyboardInterrupt
        return random_tensor(key, spec, seed)

    monkeypatch.setattr(random_weights, "random_tensor", interrupted)
    assert main(["weights", "random", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == "sam3d-ros weights: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_the_released_sizes_are_the_default():
    assert importing.Sam3dConfig is Sam3dConfig


def test_a_reader_that_has_enough_ends_it_quietly(written):
    code = f"from sam3d_ros.cli import main; raise SystemExit(main(['weights', 'inspect', {str(written)!r}]))"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
