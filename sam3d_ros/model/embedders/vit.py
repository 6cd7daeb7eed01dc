"""DINOv2 with register tokens (Darcet et al. 2023, arXiv 2309.16588), and what of its tokens becomes a condition."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import VitConfig
from ..layers import LayerNorm
from .vit_block import VitBlock

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class PatchEmbed(nn.Module):
    """Tokens of the patches of an image, row by row."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.width, config.patch, stride=config.patch)

    def forward(self, image: Tensor) -> Tensor:
        """[B, patches, C] of an image [B, 3, S, S]."""
        patches: Tensor = self.proj(image.to(self.proj.weight.dtype))
        return patches.flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    """The transformer itself, its keys those of the public DINOv2 weights with blocks numbered flatly."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        width = config.width
        self.cls_token = _token(1, 1, width)
        self.pos_embed = _token(1, 1 + config.patches, width)  # registers have no position
        self.register_tokens = _token(1, config.registers, width)
        self.mask_token = _token(1, width)  # of DINOv2's own training; in the files, not used
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(VitBlock(width, config.heads, config.mlp_ratio) for _ in range(config.depth))
        self.norm = LayerNorm(width, eps=1e-6)

    def forward(self, image: Tensor) -> Tensor:
        """Tokens [B, 1 + registers + patches, C] float32 before the last norm, of an image [B, 3, S, S]."""
        batch = len(image)
        patches = self.patch_embed(image)
        x = torch.cat([self.cls_token.expand(batch, -1, -1), patches], dim=1) + self.pos_embed
        x = torch.cat([x[:, :1], self.register_tokens.expand(batch, -1, -1), x[:, 1:]], dim=1)
        for block in self.blocks:
            x = block(x)
        return x


class ImageEmbedder(nn.Module):
    """Condition tokens of colour images or masks."""

    def __init__(self, config: VitConfig, *, prenorm_features: bool) -> None:
        super().__init__()
        self.config, self.prenorm_features = config, prenorm_features
        self.backbone = VisionTransformer(config)
        self.plain_norm = LayerNorm(config.width, eps=1e-5, affine=False)

    @property
    def tokens(self) -> int:
        """Tokens of one image."""
        return 1 + self.config.patches + (self.config.registers if self.prenorm_features else 0)

    def forward(self, image: Tensor) -> Tensor:
        """Tokens [B, L, C] float32 of an image [B, 3 or 1, H, W] with values 0-1; a mask serves as all three colours.

        Stage 1 takes class and patch tokens under the trained norm. Stage 2 (`prenorm_features`) takes the registers
        too, under a norm without affine in place of the trained one.
        """
        x = self.backbone(imagenet_normalised(_resized(image.float(), self.config.image_size)))
        if self.prenorm_features:
            return self.plain_norm(x)
        first_patch = 1 + self.config.registers
        kept: Tensor = self.backbone.norm(torch.cat([x[:, :1], x[:, first_patch:]], dim=1))
        return kept


def imagenet_normalised(image: Tensor) -> Tensor:
    """[B, 3, H, W] less ImageNet's mean, by its standard deviation; one channel [B, 1, H, W] is repeated before."""
    channels = image.expand(-1, 3, -1, -1).unbind(dim=1)
    normal = [(x - mean) / std for x, mean, std in zip(channels, IMAGENET_MEAN, IMAGENET_STD, strict=True)]
    return torch.stack(normal, dim=1)


def _resized(image: Tensor, size: int) -> Tensor:
    if image.shape[-2:] == (size, size):
        return image
    return functional.interpolate(image, (size, size), mode="bilinear", align_corners=False)


def _token(*shape: int) -> nn.Parameter:
    return nn.Parameter(0.02 * torch.randn(shape))
