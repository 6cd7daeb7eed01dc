"""Layers that several networks share."""

from .attention import CrossAttention, KeysValues, SelfAttention, attend, heads_first, split_heads
from .mlp import FeedForward
from .norm import LayerNorm, MultiHeadRMSNorm
from .positions import sinusoidal_positions
from .precision import cast_weights
from .step_embedding import StepEmbedding, step_features

__all__ = [
    "CrossAttention",
    "FeedForward",
    "KeysValues",
    "LayerNorm",
    "MultiHeadRMSNorm",
    "SelfAttention",
    "StepEmbedding",
    "attend",
    "cast_weights",
    "heads_first",
    "sinusoidal_positions",
    "split_heads",
    "step_features",
]
