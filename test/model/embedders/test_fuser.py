"""Condition tokens of a whole object: order, groups, zeros, and tokens that objects share."""

from __future__ import annotations

import pytest
import torch
from seeded import seeded, seeded_uniform, with_seeded_weights
from small_sizes import EMBEDDER, STAGE2_EMBEDDER
from torch import Tensor

from sam3d_ros.model.config import EmbedderConfig
from sam3d_ros.model.embedders import POINT_INPUTS, ConditionEmbedder, draw_dropped
from sam3d_ros.model.embedders.projection import hidden_width

SIZE = EMBEDDER.vit.image_size
IMAGES = ("image", "rgb_image", "mask", "rgb_image_mask")
POINTMAPS = ("pointmap", "rgb_pointmap")
IMAGE_TOKENS, POINT_TOKENS = 1 + EMBEDDER.vit.patches, EMBEDDER.points.patches


@pytest.fixture(scope="module")
def stage1() -> ConditionEmbedder:
    return with_seeded_weights(ConditionEmbedder(EMBEDDER)).requires_grad_(False)


def inputs(batch: int = 1, salt: str = "") -> dict[str, Tensor]:
    given = {name: seeded_uniform(salt + name, batch, 3, SIZE, SIZE) for name in IMAGES[:2]}
    given |= {name: seeded_uniform(salt + name, batch, 1, SIZE, SIZE).round() for name in IMAGES[2:]}
    return given | {name: seeded(salt + name, batch, 3, SIZE, SIZE) for name in POINTMAPS}


def test_tokens_come_in_the_order_of_the_published_sequence(stage1):
    given = inputs()
    tokens = stage1(given)
    start = 0
    for name in (*IMAGES, *POINTMAPS):
        length = POINT_TOKENS if name in POINTMAPS else IMAGE_TOKENS
        assert torch.equal(tokens[:, start : start + length], stage1.embed(name, given[name])), name
        start += length
    assert tokens.shape == (1, start, EMBEDDER.width)


def test_the_published_sizes_give_7528_and_5496_tokens():
    with torch.device("meta"):
        stage1, stage2 = (
            ConditionEmbedder(EmbedderConfig()),
            ConditionEmbedder(EmbedderConfig(points=None, prenorm_features=True)),
        )
    counts = [sum(module.module_list[i.embedder].tokens for i in module.inputs.values()) for module in (stage1, stage2)]
    assert counts == [7528, 5496]


def test_crops_are_marked_by_row_0_and_full_images_by_row_1_and_row_2_is_not_used(stage1):
    """Trap 20."""
    image = inputs()["image"]
    rows = stage1.idx_emb
    difference = stage1.embed("rgb_image", image) - stage1.embed("image", image)
    torch.testing.assert_close(difference, (rows[1] - rows[0]).expand_as(difference), rtol=1e-4, atol=1e-5)
    for crop, full in (("mask", "rgb_image_mask"), POINTMAPS):
        value = inputs()[crop]
        assert not torch.equal(stage1.embed(crop, value), stage1.embed(full, value))
    assert rows.shape[0] == 3


def test_an_input_is_its_embedding_normed_with_eps_1e_5_through_the_gate_plus_its_group(stage1):
    """Trap 16."""
    pointmap = inputs()["pointmap"]
    x = stage1.module_list[2](pointmap)
    norm, gate = stage1.projection_nets[2]
    x = (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt()
    x = x * norm.weight + norm.bias
    a, b = x @ gate.w1.weight.T, x @ gate.w3.weight.T
    expected = (a * a.sigmoid() * b) @ gate.w2.weight.T + stage1.idx_emb[0]
    torch.testing.assert_close(stage1.embed("pointmap", pointmap), expected, rtol=1e-4, atol=1e-5)


def test_colour_and_masks_have_embedders_of_their_own(stage1):
    """Trap 39."""
    image = inputs()["image"]
    assert not torch.allclose(stage1.embed("image", image), stage1.embed("mask", image), atol=1e-2)


def test_the_hidden_width_of_the_published_projections_is_2816():
    assert hidden_width(EmbedderConfig()) == 2816


def test_without_a_pointmap_its_tokens_are_zeros_that_stay_in_the_sequence(stage1):
    """Trap 21: zeros also where the group embedding would be."""
    given = inputs()
    images = {name: given[name] for name in IMAGES}
    without = stage1(images, drop=POINTMAPS)
    full = stage1(given)
    first = len(IMAGES) * IMAGE_TOKENS
    assert without.shape == full.shape
    assert torch.equal(without[:, :first], full[:, :first])
    assert not without[:, first:].any()


def test_inputs_that_are_dropped_by_force_are_zeros_even_when_they_are_given(stage1):
    given = inputs()
    given["pointmap"] = torch.full_like(given["pointmap"], torch.nan)
    images = {name: given[name] for name in IMAGES}
    assert torch.equal(stage1(given, drop=POINTMAPS), stage1(images, drop=POINTMAPS))


def test_tokens_embedded_before_give_the_same_sequence(stage1):
    given = inputs()
    tokens = {name: stage1.embed(name, value) for name, value in given.items()}
    assert torch.equal(stage1.fuse(tokens), stage1(given))


def test_the_full_image_is_embedded_once_for_all_objects_of_a_frame(stage1):
    objects = inputs(2)
    shared = stage1.embed("rgb_image", inputs()["rgb_image"])
    tokens = {name: stage1.embed(name, value) for name, value in objects.items() if name != "rgb_image"}
    together = stage1.fuse({**tokens, "rgb_image": shared})
    for index in range(2):
        alone = {name: value[index : index + 1] for name, value in objects.items()}
        expected = stage1({**alone, "rgb_image": inputs()["rgb_image"]})
        torch.testing.assert_close(together[index : index + 1], expected, rtol=1e-4, atol=1e-5)


def test_modality_dropout_drops_both_pointmaps_of_a_sample_together(stage1):
    given = inputs(3)
    tokens = stage1(given, dropped=torch.tensor([False, True, False]))
    full = stage1(given)
    first = len(IMAGES) * IMAGE_TOKENS
    assert torch.equal(tokens[:, :first], full[:, :first])
    assert not tokens[1, first:].any()
    assert torch.equal(tokens[[0, 2]], full[[0, 2]])


def test_dropped_samples_send_no_gradient_into_the_pointmap_encoder():
    module = with_seeded_weights(ConditionEmbedder(EMBEDDER))
    module(inputs(), dropped=torch.tensor([True])).square().sum().backward()
    gradients = [parameter.grad for parameter in module.module_list[2].parameters()]
    assert not any(gradient.any() for gradient in gradients if gradient is not None)
    assert module.module_list[0].backbone.cls_token.grad.any()


def test_dropout_is_one_draw_for_each_sample_with_the_given_probability():
    dropped = draw_dropped(20_000, 0.1, torch.Generator().manual_seed(0))
    assert dropped.shape == (20_000,)
    assert abs(dropped.float().mean().item() - 0.1) < 0.01


def test_stage_2_has_neither_pointmap_inputs_nor_their_encoder():
    module = ConditionEmbedder(STAGE2_EMBEDDER)
    assert tuple(module.inputs) == IMAGES
    assert not [key for key in module.state_dict() if key.startswith(("module_list.2", "projection_nets.2"))]
    assert set(POINT_INPUTS) == set(POINTMAPS)


@pytest.mark.parametrize(
    ("change", "drop", "words"),
    [({"mask": None}, (), r"\['mask'\] are missing"), ({"depth": 0}, (), "'depth'"), ({}, ("depth",), "'depth'")],
)
def test_missing_and_unknown_inputs_are_refused_by_name(stage1, change, drop, words):
    given = {name: value for name, value in {**inputs(), **change}.items() if value is not None}
    with pytest.raises(ValueError, match=words):
        stage1(given, drop=drop)
    with pytest.raises(ValueError, match="'depth'"):
        stage1.embed("depth", inputs()["image"])


def test_half_precision_casts_linear_layers_and_convolutions_alone():
    """Trap 40: norms, tokens, layer scales, positions and groups stay float32, and so do the answers."""
    module = with_seeded_weights(ConditionEmbedder(EMBEDDER))
    exact = module(inputs())
    module.to_compute_dtype(torch.float16)
    names = (
        "norm",
        "token",
        "gamma",
        "pos_embed",
        "idx_emb",
        "point_proj",
        "projection_nets.0.0",
        "projection_nets.2.0",
    )
    for key, tensor in module.state_dict().items():
        expected = (
            torch.float32 if any(name in key for name in names) or "projection_nets.1.0" in key else torch.float16
        )
        assert tensor.dtype == expected, key
    tokens = module(inputs())
    assert tokens.dtype == torch.float32
    assert (tokens - exact).abs().max() < 3e-2 * exact.abs().max()


def test_points_beyond_the_reach_of_half_precision_spread_neither_nan_nor_infinity():
    module = with_seeded_weights(ConditionEmbedder(EMBEDDER)).requires_grad_(False)
    module.to_compute_dtype(torch.float16)
    assert torch.isfinite(module.embed("pointmap", torch.full((1, 3, SIZE, SIZE), 1e5))).all()


def test_norms_have_the_eps_of_their_place(stage1):
    """Trap 16: 1e-6 in the vision and point blocks, 1e-5 in the projections and in stage 2's norm without affine."""
    colour, _, points = stage1.module_list
    block = colour.backbone.blocks[0]
    assert {norm.eps for norm in (block.norm1, block.norm2, colour.backbone.norm)} == {1e-6}
    assert {norm.eps for norm in (points.blocks[0].norm1, points.blocks[0].norm2)} == {1e-6}
    assert {net[0].eps for net in stage1.projection_nets} == {1e-5}
    assert colour.plain_norm.eps == 1e-5
