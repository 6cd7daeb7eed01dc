"""Residual block of the refinement network, which adds what neighbouring voxels know."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import silu

from ..layers import LayerNorm
from ..sparse import SparseTensor, SubmanifoldConvolution


class ResBlock(nn.Module):
    """Two convolutions and a skip; the time scales and shifts what lies between them."""

    def __init__(self, width_in: int, width_out: int, embedding_width: int) -> None:
        super().__init__()
        self.norm1 = LayerNorm(width_in, eps=1e-6)
        self.norm2 = LayerNorm(width_out, eps=1e-6, affine=False)
        self.conv1 = SubmanifoldConvolution(width_in, width_out)
        self.conv2 = SubmanifoldConvolution(width_out, width_out)
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding_width, 2 * width_out))
        self.skip_connection = nn.Identity() if width_in == width_out else nn.Linear(width_in, width_out)

    def forward(self, x: SparseTensor, embedding: Tensor) -> SparseTensor:
        """Features [N, Cin] and the embedding of the time [B, E] to features [N, Cout]."""
        # Scale before shift: the transformer blocks have them the other way round.
        scale, shift = x.voxels.spread(self.emb_layers(embedding)).chunk(2, dim=1)
        h = self.conv1(x.replace(silu(self.norm1(x.features))))
        h = h.replace(silu(self.norm2(h.features) * (1 + scale) + shift))
        return x.replace(self.conv2(h).features + self.skip_connection(x.features))
