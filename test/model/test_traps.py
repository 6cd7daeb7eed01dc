"""Traps of an independent implementation that no other test guards, and the list of all of them in docs/model.md."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import frame_case, pose_latents, pose_space, refinement_noise
from golden import golden_part, relative_error
from seeded import seeded_voxels, with_seeded_weights

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.model.config import SMALL, Sam3dConfig
from sam3d_ros.model.layers import LayerNorm
from sam3d_ros.model.pose import decode_poses
from sam3d_ros.model.sparse import SparseTensor, SubmanifoldConvolution
from sam3d_ros.model.weights import PARTS
from sam3d_ros.pipeline.frame import Frame
from sam3d_ros.pipeline.sam3d.frames import PreparedFrame

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\d+) \|[^|]*\| (.+) \|$", re.MULTILINE)


def rows():
    """Number of the trap and the cell that names its tests, of each row of the table."""
    page = (ROOT / "docs" / "model.md").read_text().split("## Traps and the tests that guard them", 1)[1]
    return [(int(number), cell) for number, cell in ROW.findall(page.split("\n## ", 1)[0])]


def test_all_fifty_traps_are_listed():
    assert [number for number, _ in rows()] == list(range(1, 51))


@pytest.mark.parametrize(("number", "cell"), rows())
def test_every_trap_names_tests_that_exist(number, cell):
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", cell)
    assert named, f"trap {number} names no test"
    for file, test in named:
        assert f"def {test}(" in (ROOT / "test" / file).read_text(), f"{file} has no {test}"


def test_a_frame_in_the_optical_frame_with_a_label_image_gives_the_original_s_inputs():
    """25, 27: x and y are negated once, and the mask is 0 or 1 but never 1 / 255."""
    color, mask, points = frame_case("inside")
    height, width = mask.shape
    frame = Frame(
        color=color.numpy(),
        pointmap=points.numpy() * np.float32([-1, -1, 1]),
        labels=np.where(mask.numpy() > 0, 7, 0).astype(np.int32),
        camera=PinholeCamera(width, height, 60.0, 60.0, width / 2, height / 2),
    )
    ours = PreparedFrame.of(frame, torch.device("cpu")).inputs(7, 56)
    theirs = golden_part("preprocessing", "inside")
    for name in ("image", "mask", "rgb_image", "rgb_image_mask", "pointmap", "rgb_pointmap"):
        assert relative_error(getattr(ours, name), theirs[name]) < 1e-5, name
    assert torch.equal(ours.pointmap_shift, theirs["pointmap_shift"])


def test_every_layer_norm_has_the_eps_of_the_original():
    """16: 1e-5 in the structure decoder, before projections and, without affine, before last layers; else 1e-6."""
    with torch.device("meta"):
        parts = {name: part.build(SMALL) for name, part in PARTS.items()}
    for name, part in parts.items():
        for path, module in part.named_modules():
            if isinstance(module, LayerNorm):
                wide = name == "structure_decoder" or re.search("projection_nets|plain_norm|out_norm|norm_out", path)
                assert module.eps == (1e-5 if wide else 1e-6), f"{name}.{path}"


def test_decoding_a_pose_leaves_the_latents_as_they_were():
    """43: translation and scale are names of latents and of decoded values alike."""
    latents, (scale, shift) = pose_latents(0), pose_space(0)
    before = {name: latent.clone() for name, latent in latents.items()}
    decode_poses(latents, scale, shift)
    assert all(torch.equal(latents[name], before[name]) for name in before)


@pytest.mark.parametrize("threads", [2, 4])
@torch.no_grad()
def test_a_sparse_convolution_gives_the_same_with_any_number_of_threads(threads):
    """47"""
    convolution = with_seeded_weights(SubmanifoldConvolution(32, 48))
    x = SparseTensor.of(seeded_voxels("threads", 24, 3000), refinement_noise(3000, channels=32)[0])
    alone, before = convolution(x).features, torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = convolution(x).features
    finally:
        torch.set_num_threads(before)
    assert relative_error(together, alone) < 1e-6


@pytest.mark.parametrize("config", [SMALL, Sam3dConfig()], ids=["small", "published"])
def test_building_every_part_needs_no_network(monkeypatch, config):
    """48"""

    def refuse(*_args, **_kwargs):
        raise AssertionError("a constructor opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(torch.hub, "load", refuse)
    with torch.device("meta"):
        for part in PARTS.values():
            part.build(config)
