"""The keys of the published files, derived from the sizes, against the list of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sam3d_ros.model.config import SMALL, RefinementConfig, Sam3dConfig
from sam3d_ros.model.weights import FILES, PARTS, TensorSpec, published_specs
from sam3d_ros.model.weights.parts import computed_specs, stored_specs

LIST = Path(__file__).resolve().parents[4] / "shared" / "design" / "sam3d-state-dict.tsv"
DIGESTS = json.loads((Path(__file__).parent / "published_keys.json").read_text())


def _line(file: str, key: str, spec: TensorSpec) -> str:
    return f"{file} {key} {'x'.join(map(str, spec.shape))} {str(spec.dtype).removeprefix('torch.')}"


def _digest(stem: str, specs: dict[str, TensorSpec]) -> dict[str, object]:
    lines = sorted(_line(stem, key, spec) for key, spec in specs.items())
    return {
        "keys": len(specs),
        "parameters": sum(spec.numel for spec in specs.values()),
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }


def _listed() -> dict[str, dict[str, TensorSpec]]:
    if not LIST.exists():
        pytest.skip("the list ../shared/design/sam3d-state-dict.tsv beside the checkout is absent; the digests remain")
    listed: dict[str, dict[str, TensorSpec]] = {stem: {} for stem in FILES}
    for row in LIST.read_text().splitlines()[1:]:
        file, key, shape, dtype = row.split("\t")
        sizes = tuple(int(size) for size in shape.split("x"))
        listed[file.removesuffix(".ckpt")][key] = TensorSpec(sizes, getattr(torch, dtype))
    return listed


def test_every_key_shape_and_load_dtype_of_the_published_files_is_ours_and_none_is_left_over():
    assert published_specs() == _listed()


@pytest.mark.parametrize("stem", FILES)
def test_our_keys_have_the_digest_of_the_published_ones(stem):
    assert _digest(stem, published_specs()[stem]) == DIGESTS[stem]


@pytest.mark.parametrize("stem", FILES)
def test_the_digests_are_those_of_the_list(stem):
    assert _digest(stem, _listed()[stem]) == DIGESTS[stem]


@pytest.mark.parametrize("part", PARTS)
def test_what_is_stored_in_half_is_computed_in_half(part):
    stored = stored_specs(part, SMALL, torch.float16)
    computed = computed_specs(part, SMALL, torch.float16)
    half = {key for key, spec in stored.items() if spec.dtype == torch.float16}
    assert half <= {key for key, spec in computed.items() if spec.dtype == torch.float16}


@pytest.mark.parametrize("part", ["geometry", "refinement", "gaussian_decoder", "gaussian_decoder_4", "mesh_decoder"])
def test_a_part_that_is_published_in_half_computes_with_what_it_stores(part):
    assert stored_specs(part, SMALL, torch.float16) == computed_specs(part, SMALL, torch.float16)


def test_keys_follow_the_sizes():
    deeper = replace(SMALL, refinement=replace(SMALL.refinement, depth=3))
    new = published_specs(deeper)["slat_generator"].keys() - published_specs(SMALL)["slat_generator"].keys()
    assert new
    assert all(".backbone.blocks.2." in key for key in new)


def test_a_distilled_second_stage_has_an_embedding_of_the_step_size():
    distilled = published_specs(Sam3dConfig(refinement=RefinementConfig(step_size=True)))["slat_generator"]
    added = distilled.keys() - published_specs()["slat_generator"].keys()
    prefix = "_base_models.generator.reverse_fn.backbone.d_embedder.mlp."
    assert added == {f"{prefix}{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")}
