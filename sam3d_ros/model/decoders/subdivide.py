"""Doubles the resolution of features on voxels."""

from __future__ import annotations

from torch import nn
from torch.nn.functional import silu

from ..sparse import GroupNorm, PointConvolution, SparseTensor, SubmanifoldConvolution


class SubdivideBlock(nn.Module):
    """Every voxel becomes its eight children, which then differ by two convolutions.

    The children first carry equal features. What is the same for all eight, the first norm and the skip, is computed
    once per parent, and the first convolution adds up its weights before it multiplies.
    """

    def __init__(self, width_in: int, width_out: int, groups: int) -> None:
        super().__init__()
        self.act_layers = nn.ModuleList([GroupNorm(groups, width_in)])
        # Names of the published layers; 2 is an activation, without parameters.
        self.out_layers = nn.ModuleDict(
            {
                "0": SubmanifoldConvolution(width_in, width_out),
                "1": GroupNorm(groups, width_out),
                "3": SubmanifoldConvolution(width_out, width_out),
            }
        )
        self.skip_connection = PointConvolution(width_in, width_out)

    def forward(self, x: SparseTensor) -> SparseTensor:
        """Features [N, Cin] to [8N, Cout] on the children."""
        h = _activated(self.act_layers[0](x))
        h = _activated(self.out_layers["1"](self.out_layers["0"].on_children(h, x.voxels.subdivided())))
        h = self.out_layers["3"](h)
        skip = self.skip_connection(x).features[:, None]  # [N, 1, Cout]
        return SparseTensor(h.voxels, (h.features.unflatten(0, (-1, 8)) + skip).flatten(0, 1))


def _activated(x: SparseTensor) -> SparseTensor:
    return x.replace(silu(x.features))
