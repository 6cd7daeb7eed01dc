"""Condition tokens against the original (see `golden`): ViT, pointmap patches, projection, fusion, at small sizes."""

from __future__ import annotations

import pytest
import torch
from cases import EMBED_INPUTS
from golden import golden, relative_error
from seeded import with_seeded_weights
from small_sizes import EMBEDDER, STAGE2_EMBEDDER, VIT

from sam3d_ros.model.embedders import IMAGE_INPUTS, POINT_INPUTS, ConditionEmbedder, ImageEmbedder, PointPatchEmbed

LIMIT = 1e-4


@pytest.fixture(scope="module")
def theirs():
    return golden("embedders")


@pytest.mark.parametrize(
    ("name", "given", "prenorm"),
    [("vit", "image", False), ("vit_of_mask", "mask", False), ("vit_prenorm", "image", True)],
)
@torch.no_grad()
def test_image_and_mask_tokens_of_both_stages_are_those_of_the_original(theirs, name, given, prenorm):
    embedder = with_seeded_weights(ImageEmbedder(VIT, prenorm_features=prenorm))
    assert relative_error(embedder(EMBED_INPUTS[given]), theirs[name]) < LIMIT


@torch.no_grad()
def test_pointmap_tokens_with_holes_are_those_of_the_original(theirs):
    embedder = with_seeded_weights(PointPatchEmbed(EMBEDDER.points))
    assert relative_error(embedder(EMBED_INPUTS["pointmap"]), theirs["points"]) < LIMIT


@torch.no_grad()
def test_the_six_inputs_of_stage_1_become_the_original_s_tokens_in_its_order(theirs):
    embedder = with_seeded_weights(ConditionEmbedder(EMBEDDER))
    assert relative_error(embedder(EMBED_INPUTS), theirs["stage1"]) < LIMIT


@torch.no_grad()
def test_dropped_pointmaps_are_tokens_of_zeros_that_stay_in_the_sequence(theirs):
    embedder = with_seeded_weights(ConditionEmbedder(EMBEDDER))
    images = {name: EMBED_INPUTS[name] for name in IMAGE_INPUTS}
    tokens = embedder(images, drop=tuple(POINT_INPUTS))
    assert relative_error(tokens, theirs["stage1_without_pointmap"]) < LIMIT
    assert (tokens[:, -2 * EMBEDDER.points.patches :] == 0).all()


@torch.no_grad()
def test_the_four_inputs_of_stage_2_become_the_original_s_tokens(theirs):
    embedder = with_seeded_weights(ConditionEmbedder(STAGE2_EMBEDDER))
    tokens = embedder({name: EMBED_INPUTS[name] for name in IMAGE_INPUTS})
    assert relative_error(tokens, theirs["stage2"]) < LIMIT
