"""The vision transformer against a plain one written from its formulas, and the tokens that each stage takes."""

from __future__ import annotations

import math

import pytest
import torch
from seeded import seeded, seeded_uniform, with_seeded_weights
from small_sizes import VIT as CONFIG
from torch import Tensor
from torch.nn import functional

from sam3d_ros.model.embedders import ImageEmbedder, VisionTransformer, imagenet_normalised

SIZE = CONFIG.image_size


def norm(x: Tensor, eps: float = 1e-6) -> Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()


def plain_vit(state: dict[str, Tensor], image: Tensor) -> Tensor:
    """Tokens [L, C] of one image [3, S, S] before the last norm, patch by patch and head by head."""

    def linear(key: str, x: Tensor) -> Tensor:
        return x @ state[f"{key}.weight"].T + state[f"{key}.bias"]

    p = CONFIG.patch
    kernel = state["patch_embed.proj.weight"].flatten(1)
    patches = [
        kernel @ image[:, row : row + p, column : column + p].flatten() + state["patch_embed.proj.bias"]
        for row in range(0, SIZE, p)
        for column in range(0, SIZE, p)
    ]
    x = torch.cat([state["cls_token"][0], torch.stack(patches)]) + state["pos_embed"][0]
    x = torch.cat([x[:1], state["register_tokens"][0], x[1:]])
    for index in range(CONFIG.depth):
        block = f"blocks.{index}"
        h = norm(x) * state[f"{block}.norm1.weight"] + state[f"{block}.norm1.bias"]
        q, k, v = (part.chunk(CONFIG.heads, -1) for part in linear(f"{block}.attn.qkv", h).chunk(3, -1))
        heads = [
            torch.softmax(qh @ kh.T / math.sqrt(qh.shape[-1]), -1) @ vh for qh, kh, vh in zip(q, k, v, strict=True)
        ]
        x = x + linear(f"{block}.attn.proj", torch.cat(heads, -1)) * state[f"{block}.ls1.gamma"]
        h = linear(f"{block}.mlp.fc1", norm(x) * state[f"{block}.norm2.weight"] + state[f"{block}.norm2.bias"])
        h = h * 0.5 * (1 + torch.erf(h / math.sqrt(2)))
        x = x + linear(f"{block}.mlp.fc2", h) * state[f"{block}.ls2.gamma"]
    return x


@pytest.fixture(scope="module")
def vit() -> VisionTransformer:
    return with_seeded_weights(VisionTransformer(CONFIG)).requires_grad_(False)


def embedder(prenorm_features: bool) -> ImageEmbedder:
    return with_seeded_weights(ImageEmbedder(CONFIG, prenorm_features=prenorm_features)).requires_grad_(False)


def test_the_vision_transformer_equals_the_plain_one_with_gelu_in_its_erf_form(vit):
    """Traps 16 and 30; order of tokens: class, registers, patches row by row, registers without position."""
    image = seeded("image", 3, SIZE, SIZE)
    expected = plain_vit(vit.state_dict(), image)
    torch.testing.assert_close(vit(image[None])[0], expected, rtol=1e-4, atol=2e-5)


def test_images_are_normalised_by_the_statistics_of_imagenet():
    image = seeded_uniform("image", 1, 3, 2, 2)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = (image - mean[:, None, None]) / std[:, None, None]
    torch.testing.assert_close(imagenet_normalised(image), expected)


def test_a_mask_is_repeated_to_three_channels_and_normalised_like_colour():
    """Trap 19."""
    mask = (seeded("mask", 1, 1, SIZE, SIZE) > 0).float()
    image = embedder(False)
    assert torch.equal(image(mask), image(mask.repeat(1, 3, 1, 1)))
    assert torch.equal(imagenet_normalised(mask), imagenet_normalised(mask.repeat(1, 3, 1, 1)))


def test_stage_1_takes_normed_tokens_without_registers():
    """Trap 18."""
    image, module = seeded_uniform("image", 1, 3, SIZE, SIZE), embedder(False)
    sequence = module.backbone(imagenet_normalised(image))
    kept = torch.cat([sequence[:, :1], sequence[:, 1 + CONFIG.registers :]], dim=1)
    expected = norm(kept) * module.backbone.norm.weight + module.backbone.norm.bias
    torch.testing.assert_close(module(image), expected, rtol=1e-4, atol=1e-5)
    assert module(image).shape[1] == module.tokens == 1 + CONFIG.patches


def test_stage_2_takes_the_whole_sequence_with_registers_under_a_norm_without_affine():
    """Trap 18: the trained norm is loaded and not used."""
    image, module = seeded_uniform("image", 1, 3, SIZE, SIZE), embedder(True)
    expected = norm(module.backbone(imagenet_normalised(image)), eps=1e-5)
    torch.testing.assert_close(module(image), expected, rtol=1e-4, atol=1e-5)
    assert module(image).shape[1] == module.tokens == 1 + CONFIG.registers + CONFIG.patches
    assert "backbone.norm.weight" in module.state_dict()


def test_an_image_of_another_size_is_resized_bilinearly_without_antialiasing():
    image, module = seeded_uniform("image", 1, 3, 2 * SIZE, 2 * SIZE), embedder(False)
    small = functional.avg_pool2d(image, 2)  # what bilinear sampling at half the size amounts to
    torch.testing.assert_close(module(image), module(small), rtol=1e-3, atol=1e-4)


def test_half_precision_keeps_the_sum_of_residuals_in_float32():
    """Trap 40: as autocast does."""
    image, module = seeded_uniform("image", 1, 3, SIZE, SIZE), embedder(False)
    exact = module(image)
    for part in module.modules():
        if isinstance(part, torch.nn.Linear | torch.nn.Conv2d):
            part.half()
    assert module.backbone(imagenet_normalised(image)).dtype == torch.float32
    assert module(image).dtype == torch.float32
    assert (module(image) - exact).abs().max() < 2e-2 * exact.abs().max()
