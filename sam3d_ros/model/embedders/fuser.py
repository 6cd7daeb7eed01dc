"""All condition tokens of an object: each input embedded, projected, marked as crop or full image, and joined."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..config import EmbedderConfig
from ..layers import cast_weights
from .points import PointPatchEmbed
from .projection import projection
from .vit import ImageEmbedder

GROUPS = 3  # rows of idx_emb: crop, full image, and one that nothing uses


class Input(NamedTuple):
    """Which embedder reads an input, and which row of idx_emb marks it."""

    embedder: int
    group: int  # 0 crop around the object, 1 full image


# In the order of their tokens.
IMAGE_INPUTS = {
    "image": Input(0, 0),
    "rgb_image": Input(0, 1),
    "mask": Input(1, 0),
    "rgb_image_mask": Input(1, 1),
}
POINT_INPUTS = {"pointmap": Input(2, 0), "rgb_pointmap": Input(2, 1)}


class ConditionEmbedder(nn.Module):
    """Embedders of colour, masks and, in stage 1, pointmaps; tokens in a fixed order.

    `embed` answers for one input, so that what several objects share (the full image) is embedded once; `fuse` joins.
    """

    def __init__(self, config: EmbedderConfig) -> None:
        super().__init__()
        self.width = config.width
        self.inputs = {**IMAGE_INPUTS, **(POINT_INPUTS if config.points is not None else {})}
        embedders: list[nn.Module] = [
            ImageEmbedder(config.vit, prenorm_features=config.prenorm_features) for _ in range(2)
        ]
        widths = [config.vit.width] * 2
        if config.points is not None:
            embedders.append(PointPatchEmbed(config.points))
            widths.append(config.points.width)
        self.module_list = nn.ModuleList(embedders)
        self.projection_nets = nn.ModuleList(projection(width, config) for width in widths)
        self.idx_emb = nn.Parameter(0.02 * torch.randn(GROUPS, config.width))

    def to_compute_dtype(self, dtype: torch.dtype) -> None:
        """Cast, in place, linear layers and convolutions; norms, tokens, layer scales and positions stay float32.

        So does the first layer of the pointmap encoder: the scene may reach farther than half precision does.
        """
        for part in (*self.module_list, *self.projection_nets):
            cast_weights(part.blocks if isinstance(part, PointPatchEmbed) else part, dtype, (nn.Linear, nn.Conv2d))

    def embed(self, name: str, value: Tensor) -> Tensor:
        """Tokens [B, L, width] float32 of one input.

        An image or mask is [B, 3 or 1, H, W] with values 0-1, a pointmap [B, 3, H, W] in SSI space with NaN where
        nothing is known. Raises ValueError for a name that this stage does not read.
        """
        embedder, group = self._input(name)
        tokens: Tensor = self.projection_nets[embedder](self.module_list[embedder](value))
        return tokens.float() + self.idx_emb[group]

    def fuse(
        self, tokens: Mapping[str, Tensor], *, drop: Collection[str] = (), dropped: Tensor | None = None
    ) -> Tensor:
        """All tokens [B, L, width] of the inputs' own [B or 1, L, width], in the order of `inputs`.

        The inputs named in `drop` become tokens of zeros, whether they are given or not; zeros stay in the sequence and
        take part in attention, and a stage without pointmap has them. `dropped` [B] makes those of the pointmaps zeros
        where it is true, for training. Raises ValueError for a missing, a superfluous or an unknown input.
        """
        self._check_names(tokens, drop)
        parts = {name: self._zeros(name) if name in drop else tokens[name] for name in self.inputs}
        if dropped is not None:
            for name in POINT_INPUTS.keys() & parts.keys():
                parts[name] = torch.where(dropped[:, None, None], 0.0, parts[name])
        batch = max(len(part) for part in parts.values())
        return torch.cat([part.expand(batch, -1, -1) for part in parts.values()], dim=1)

    def forward(
        self, inputs: Mapping[str, Tensor], *, drop: Collection[str] = (), dropped: Tensor | None = None
    ) -> Tensor:
        """Embed all inputs that are not dropped, and fuse them."""
        self._check_names(inputs, drop)
        tokens = {name: self.embed(name, value) for name, value in inputs.items() if name not in drop}
        return self.fuse(tokens, drop=drop, dropped=dropped)

    def _input(self, name: str) -> Input:
        if name not in self.inputs:
            raise ValueError(f"input {name!r}; this stage reads {list(self.inputs)}")
        return self.inputs[name]

    def _zeros(self, name: str) -> Tensor:
        return self.idx_emb.new_zeros(1, self.module_list[self._input(name).embedder].tokens, self.width)

    def _check_names(self, given: Collection[str], drop: Collection[str]) -> None:
        for name in (*given, *drop):
            self._input(name)
        missing = [name for name in self.inputs if name not in given and name not in drop]
        if missing:
            raise ValueError(f"inputs {missing} are missing; give them, or name them in `drop` for tokens of zeros")


def draw_dropped(batch: int, probability: float, generator: torch.Generator) -> Tensor:
    """Which samples [B] of a training batch go without pointmaps: both of a sample's, or neither."""
    return torch.rand(batch, generator=generator, device=generator.device) < probability
