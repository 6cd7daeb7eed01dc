"""Keys, shapes and half-precision tensors of stage 1 and of both embedders against the published list."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from torch import nn

from sam3d_ros.model.config import Sam3dConfig
from sam3d_ros.model.embedders import ConditionEmbedder
from sam3d_ros.model.structure import GeometryNetwork, StructureDecoder

LIST = Path(__file__).resolve().parents[4] / "shared" / "design" / "sam3d-state-dict.tsv"
CONFIG = Sam3dConfig()
EMBEDDER, NETWORK = "_base_models.condition_embedder.", "_base_models.generator.reverse_fn.backbone."
PARTS = {
    "embedder of stage 1": ("ss_generator.ckpt", EMBEDDER, lambda: ConditionEmbedder(CONFIG.stage1_embedder), 722),
    "embedder of stage 2": ("slat_generator.ckpt", EMBEDDER, lambda: ConditionEmbedder(CONFIG.stage2_embedder), 699),
    "geometry network": ("ss_generator.ckpt", NETWORK, lambda: GeometryNetwork(CONFIG.geometry), 945),
    "structure decoder": ("ss_decoder.ckpt", "", lambda: StructureDecoder(CONFIG.structure_decoder), 74),
}


def build(name: str) -> tuple[nn.Module, dict[str, tuple[tuple[int, ...], str]]]:
    """A part at the published size without memory for its weights; key -> shape and load dtype of the list."""
    if not LIST.exists():
        pytest.skip(f"{LIST} is absent: no published keys to compare with")
    file, prefix, make, count = PARTS[name]
    with LIST.open() as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["file"] == file]
    published = {
        row["key"][len(prefix) :]: (tuple(map(int, row["shape"].split("x"))), row["dtype"])
        for row in rows
        if row["key"].startswith(prefix)
    }
    assert len(published) == count
    with torch.device("meta"):
        return make(), published


@pytest.mark.parametrize("name", PARTS)
def test_every_published_key_is_there_with_its_shape_and_no_other(name):
    """Trap 38: digits in names, the second stage's unused norm, mask_token and the third row of idx_emb."""
    module, published = build(name)
    assert {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()} == {
        key: shape for key, (shape, _) in published.items()
    }


@pytest.mark.parametrize("name", PARTS)
def test_weights_load_strictly_without_copies_and_leave_nothing_to_compute(name):
    module, published = build(name)
    state = {key: torch.empty(1).expand(shape) for key, (shape, _) in published.items()}
    module.load_state_dict(state, strict=True, assign=True)
    assert not [name for name, buffer in module.named_buffers() if buffer.is_meta]


def test_half_precision_of_the_geometry_network_casts_exactly_what_the_published_load_casts():
    """Trap 40. The other parts are float32 in the list and run under autocast there."""
    module, published = build("geometry network")
    module.to_compute_dtype(torch.float16)
    dtypes = {key: str(tensor.dtype).removeprefix("torch.") for key, tensor in module.state_dict().items()}
    assert dtypes == {key: dtype for key, (_, dtype) in published.items()}
