"""Stage 2: the flow that gives each occupied voxel its structured latent (SLAT)."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

from ..config import RefinementConfig
from ..layers import KeysValues, LayerNorm, StepEmbedding, cast_weights, sinusoidal_positions
from ..sampling import TIME_SCALE
from ..sparse import SparseTensor, SubmanifoldConvolution, downsample, upsample
from .block import RefinementBlock
from .resblock import ResBlock

# Keys and values of each block, for the objects of a batch.
RefinementCondition: TypeAlias = tuple[KeysValues, ...]
_LEAST_REST = 1e-3  # of the way from noise to data, by which a clean prediction is divided at most


class RefinementNetwork(nn.Module):
    """Velocity of structured latents: convolutions at full resolution around a transformer at half of it."""

    def __init__(self, config: RefinementConfig) -> None:
        super().__init__()
        self.config = config
        width, io = config.width, config.io_width
        self.t_embedder = StepEmbedding(width)
        self.d_embedder = StepEmbedding(width) if config.step_size else None
        self.input_layer = nn.Linear(config.channels, io)
        self.feature_layers = _feature_layers(config)
        inner = range(config.io_blocks - 1)
        self.input_blocks = nn.ModuleList([*(ResBlock(io, io, width) for _ in inner), ResBlock(io, width, width)])
        self.blocks = nn.ModuleList(
            RefinementBlock(width, config.condition_width, config.heads, config.mlp_ratio) for _ in range(config.depth)
        )
        self.out_blocks = nn.ModuleList([ResBlock(2 * width, io, width), *(ResBlock(2 * io, io, width) for _ in inner)])
        self.norm_out = LayerNorm(io, eps=1e-5, affine=False)
        self.out_layer = nn.Linear(io, config.channels)

    @property
    def compute_dtype(self) -> torch.dtype:
        """Of the blocks between the first and the last layer, which are float32."""
        dtype: torch.dtype = self.input_blocks[0].conv1.conv.weight.dtype
        return dtype

    def to_compute_dtype(self, dtype: torch.dtype) -> None:
        """Cast, in place, the weights that the published model holds in half precision; the others stay float32."""
        for blocks in (self.input_blocks, self.blocks, self.out_blocks):
            cast_weights(blocks, dtype, (nn.Linear, SubmanifoldConvolution))

    def project(self, tokens: Tensor) -> RefinementCondition:
        """What the blocks look up in condition tokens [B, L, C], one row per object: once per object, not per step."""
        return tuple(block.cross_attn.project(tokens) for block in self.blocks)

    def tell(self, features: Tensor) -> Tensor:
        """What input and output take in of voxel features [N, F]: once per object, as `project`.

        Raises ValueError for a network that is told nothing of its voxels.
        """
        if self.feature_layers is None:
            raise ValueError("this refinement network is told nothing of its voxels; leave the features out")
        told: Tensor = self.feature_layers(features)
        return told.float()

    def forward(
        self,
        x: SparseTensor,
        time: Tensor,
        condition: RefinementCondition | None,
        step_size: Tensor | None = None,
        *,
        told_of_voxels: Tensor | None = None,
    ) -> SparseTensor:
        """Velocity, float32 [N, channels], of latents x at `time` [B] or [1], which is 1000 t.

        `condition` None means tokens that are all zero, the unconditional pass. `step_size` [B] or [1] is 1000 d,
        for networks with config.step_size; `told_of_voxels` is from `tell`, None adds nothing. Raises ValueError where
        these do not fit the objects or the network.
        """
        answer = self.predict(x, time, condition, step_size, told_of_voxels=told_of_voxels)
        if self.config.prediction == "velocity":
            return answer
        rest = x.voxels.spread((1 - time.float() / TIME_SCALE).clamp(min=_LEAST_REST).expand(x.voxels.objects)[:, None])
        return answer.replace((answer.features - x.features.float()) / rest)

    def predict(
        self,
        x: SparseTensor,
        time: Tensor,
        condition: RefinementCondition | None,
        step_size: Tensor | None = None,
        *,
        told_of_voxels: Tensor | None = None,
    ) -> SparseTensor:
        """What the network itself answers, as `forward`: velocities, or the clean latents where the config says so."""
        self._check(x.voxels.objects, condition, step_size)
        embedding = self._embedding(time, step_size).expand(x.voxels.objects, -1)
        at_input, at_output = self._told(told_of_voxels)
        h, skips = self._enter(x, embedding, at_input)
        positions = sinusoidal_positions(h.coords[:, 1:], self.config.width)
        h = h.replace(h.features + positions.to(h.features.dtype))
        for block, keys_values in zip(self.blocks, condition or (None,) * len(self.blocks), strict=True):
            h = block(h, embedding, keys_values)
        h = self._leave(h, x, skips, embedding)
        answer: Tensor = self.out_layer(self.norm_out(h.features.float()))
        return h.replace(answer if at_output is None else answer + at_output)

    def _check(self, objects: int, condition: RefinementCondition | None, step_size: Tensor | None) -> None:
        if condition is not None and len(condition[0].k) != objects:
            raise ValueError(f"a condition of {len(condition[0].k)} objects for voxels of {objects}")
        if step_size is not None and self.d_embedder is None:
            raise ValueError("this refinement network was not distilled: it has no embedding of a step size; pass None")

    def _embedding(self, time: Tensor, step_size: Tensor | None) -> Tensor:
        embedding: Tensor = self.t_embedder(time)
        if step_size is not None and self.d_embedder is not None:
            embedding = embedding + self.d_embedder(step_size)
        return embedding.to(self.compute_dtype)

    def _told(self, told_of_voxels: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        if told_of_voxels is None:
            return None, None
        at_input, at_output = told_of_voxels.split((self.config.io_width, self.config.channels), dim=1)
        return at_input, at_output

    def _enter(
        self, x: SparseTensor, embedding: Tensor, at_input: Tensor | None
    ) -> tuple[SparseTensor, list[SparseTensor]]:
        """Features at half the resolution, and the outputs of all blocks on the way."""
        entered: Tensor = self.input_layer(x.features.float())
        if at_input is not None:
            entered = entered + at_input
        h = x.replace(entered.to(self.compute_dtype))
        outputs = []
        for block in self.input_blocks:
            h = block(downsample(h) if block is self.input_blocks[-1] else h, embedding)
            outputs.append(h)
        return h, outputs

    def _leave(self, h: SparseTensor, x: SparseTensor, skips: list[SparseTensor], embedding: Tensor) -> SparseTensor:
        """Features at the resolution of x; each block also takes the output of its counterpart on the way in."""
        for block, skip in zip(self.out_blocks, reversed(skips), strict=True):
            h = h.replace(torch.cat([h.features, skip.features], dim=1))
            h = block(upsample(h, x.voxels) if block is self.out_blocks[0] else h, embedding)
        return h


def _feature_layers(config: RefinementConfig) -> nn.Sequential | None:
    """From the features of a voxel to what is added at the input and, past all blocks, at the output, in float32.

    None where it has none. What a voxel itself is told says most of its latent, which need not pass the coarser blocks.
    """
    if not config.voxel_features:
        return None
    hidden = 2 * config.io_width
    return nn.Sequential(
        nn.Linear(config.voxel_features, hidden),
        nn.GELU(approximate="tanh"),
        nn.Linear(hidden, config.io_width + config.channels),
    )
