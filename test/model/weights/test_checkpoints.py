"""Published files that are damaged, hostile or something else: one clear line each, and nothing is executed."""

from __future__ import annotations

import os
import pickle
import zipfile

import pytest
import torch

from sam3d_ros.model.weights import WeightsError
from sam3d_ros.model.weights.checkpoints import read_checkpoint


class Hostile:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def refused(path):
    with pytest.raises(WeightsError) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.ckpt"
    torch.save({"weight": torch.randn(64, 64)}, path)
    return path


def test_tensors_are_mapped_and_equal(good):
    assert torch.equal(read_checkpoint(good)["weight"], torch.load(good)["weight"])


def test_a_pickle_that_executes_code_is_refused_and_executes_nothing(tmp_path):
    path = tmp_path / "ss_generator.ckpt"
    torch.save({"state_dict": {"weight": torch.zeros(1)}, "callbacks": Hostile(tmp_path / "made")}, path)
    message = refused(path)
    assert "wants to execute code when it is opened (calls posix.mkdir), which is refused" in message
    assert not (tmp_path / "made").exists()


def test_an_old_pickle_that_executes_code_is_refused_and_executes_nothing(tmp_path):
    path = tmp_path / "ss_generator.ckpt"
    path.write_bytes(pickle.dumps(Hostile(tmp_path / "made")))
    assert "no file of torch.save (old pickles are not read)" in refused(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path, good, share):
    content = good.read_bytes()
    path = tmp_path / "short.ckpt"
    path.write_bytes(content[: int(share * len(content))])
    assert "download it again" in refused(path)


def test_a_file_with_a_damaged_directory_is_refused(tmp_path, good):
    content = bytearray(good.read_bytes())
    content[-200:-60] = bytes(140)
    path = tmp_path / "damaged.ckpt"
    path.write_bytes(content)
    assert "download it again" in refused(path)


def test_a_zip_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "download it again" in refused(path)


@pytest.mark.parametrize("cut", [0, 4, 100, -7])
def test_a_safetensors_file_cut_short_is_refused(tmp_path, cut):
    from safetensors.torch import save

    path = tmp_path / "short.safetensors"
    path.write_bytes(save({"weight": torch.randn(64, 64)})[:cut])
    assert "cut short or no safetensors file" in refused(path)


@pytest.mark.parametrize("suffix", ["ckpt", "safetensors"])
def test_a_git_lfs_pointer_is_called_what_it_is(tmp_path, suffix):
    path = tmp_path / f"ss_generator.{suffix}"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 6394568788\n")
    assert "only the Git LFS pointer" in refused(path)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({}, "holds an empty dict"),
        ([torch.zeros(1)], "holds a list"),
        (torch.zeros(3), "holds a Tensor"),
        ({"state_dict": {}}, "holds an empty dict"),
        ({"weight": torch.zeros(1), "epoch": 3}, "'epoch' is a int, expected a tensor"),
        ({"model": {"weight": torch.zeros(1)}}, "'model' is a dict, expected a tensor"),
        ({3: torch.zeros(1)}, "3 is no name of a tensor"),
    ],
)
def test_content_that_is_no_state_dict_is_refused(tmp_path, content, named):
    path = tmp_path / "other.ckpt"
    torch.save(content, path)
    assert named in refused(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "cannot be read (No such file or directory)" in refused(tmp_path / "nothing.ckpt")
    assert "cannot be read (No such file or directory)" in refused(tmp_path / "nothing.safetensors")


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "ss_decoder.ckpt").mkdir()
    assert "cannot be read (Is a directory)" in refused(tmp_path / "ss_decoder.ckpt")
