"""The geometry network of stage 1: velocities of the coarse shape and of the layout."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..config import GeometryConfig
from ..layers import KeysValues, StepEmbedding, cast_weights
from ..sampling import TIME_SCALE
from .block import GeometryBlock
from .latents import LAYOUT, LAYOUT_CHANNELS, SHAPE, latent_mappings
from .observed import ObservedEncoder

Condition = tuple[dict[str, KeysValues], ...]  # of each block, by stream
_LEAST_REST = 1e-3  # of the way to the data, below which a velocity is not extrapolated from a clean prediction


class GeometryNetwork(nn.Module):
    """Mixture of transformers with two streams, the shape's tokens and the four of the layout.

    Input and output are float32; the blocks run in the dtype of their own weights (`to_compute_dtype`).
    """

    def __init__(self, config: GeometryConfig) -> None:
        super().__init__()
        self.t_embedder = StepEmbedding(config.width)
        self.d_embedder = StepEmbedding(config.width) if config.step_size else None
        self.latent_mapping = latent_mappings(config)
        self.blocks = nn.ModuleList(GeometryBlock(config) for _ in range(config.depth))
        self.observed_encoder = None if config.observed is None else ObservedEncoder(config.observed, config)
        self.predicts_clean = config.prediction == "clean"

    @property
    def compute_dtype(self) -> torch.dtype:
        """What the blocks run in."""
        dtype: torch.dtype = self.blocks[0].adaLN_modulation[1].weight.dtype
        return dtype

    def to_compute_dtype(self, dtype: torch.dtype) -> None:
        """Cast, in place, the linear layers of the blocks; norms, embeddings and latent mappings stay float32."""
        cast_weights(self.blocks, dtype)
        if self.observed_encoder is not None:
            self.observed_encoder.to_compute_dtype(dtype)

    def project(self, tokens: Tensor, *, layout: bool = True) -> Condition:
        """Keys and values of condition tokens [B, L, C]: once for an object, not at each step.

        Without `layout` they serve the shape stream alone.
        """
        names = (SHAPE, LAYOUT) if layout else (SHAPE,)
        return tuple({name: block.cross_attn[name].project(tokens) for name in names} for block in self.blocks)

    def observe(self, labels: Tensor) -> Tensor:
        """What `forward` adds to the shape's tokens [B, grid^3, width], of an observed volume [B, R, R, R] of labels.

        Once for an object, not at each step. Raises ValueError for a network without an encoder of such volumes.
        """
        if self.observed_encoder is None:
            raise ValueError("this geometry network reads no observed volume; leave it out")
        tokens: Tensor = self.observed_encoder(labels)
        return tokens

    def forward(
        self,
        latents: Mapping[str, Tensor],
        time: Tensor,
        condition: Condition | None,
        step_size: Tensor | None = None,
        *,
        observed: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Velocities float32 of the latents [B, L, channels], under the same names.

        `latents` are all five, or the shape alone. `time` [B] or [1] is 1000 t and `step_size` likewise 1000 d; a step
        size of 0 is embedded as well, None is not. A condition of None stands for tokens of zeros, the unconditional
        input; `observed` is from `observe`, None adds nothing. Raises ValueError for other latents and for a step size
        that the network cannot embed.
        """
        answers = self.predict(latents, time, condition, step_size, observed=observed)
        if not self.predicts_clean:
            return answers
        rest = (1 - time.float() / TIME_SCALE).clamp(min=_LEAST_REST)[:, None, None]
        return {name: (clean - latents[name].float()) / rest for name, clean in answers.items()}

    def predict(
        self,
        latents: Mapping[str, Tensor],
        time: Tensor,
        condition: Condition | None,
        step_size: Tensor | None = None,
        *,
        observed: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """What the network itself answers, float32: velocities, or the clean latents where the config says so."""
        embedding = self._embed(time, step_size).to(self.compute_dtype)
        streams = self._streams(latents)
        if observed is not None:
            streams[SHAPE] = streams[SHAPE] + observed
        streams = {name: x.to(self.compute_dtype) for name, x in streams.items()}
        for index, block in enumerate(self.blocks):
            streams = block(streams, embedding, None if condition is None else condition[index])
        return self._answers(streams)

    def _embed(self, time: Tensor, step_size: Tensor | None) -> Tensor:
        embedding: Tensor = self.t_embedder(time)
        if step_size is None:
            return embedding
        if self.d_embedder is None:
            raise ValueError("this geometry network has no embedding of the step size; pass step_size=None")
        return embedding + self.d_embedder(step_size)

    def _streams(self, latents: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if set(latents) not in ({SHAPE}, {SHAPE, *LAYOUT_CHANNELS}):
            raise ValueError(f"latents {sorted(latents)}; pass {SHAPE} alone or {[SHAPE, *LAYOUT_CHANNELS]}")
        streams = {SHAPE: self.latent_mapping[SHAPE].to_input(latents[SHAPE])}
        if len(latents) > 1:
            parts = [self.latent_mapping[name].to_input(latents[name]) for name in LAYOUT_CHANNELS]
            streams[LAYOUT] = torch.cat(parts, dim=1)
        return streams

    def _answers(self, streams: Mapping[str, Tensor]) -> dict[str, Tensor]:
        tokens = {SHAPE: streams[SHAPE]}
        if LAYOUT in streams:
            tokens.update(zip(LAYOUT_CHANNELS, streams[LAYOUT].split(1, dim=1), strict=True))
        return {name: self.latent_mapping[name].to_output(x) for name, x in tokens.items()}
