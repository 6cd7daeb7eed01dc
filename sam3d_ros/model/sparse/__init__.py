"""Sparse voxel grids in plain PyTorch: places, convolutions, resampling, attention in groups."""

from .chunks import by_rows
from .convolution import ConvolutionKernel, PointConvolution, SubmanifoldConvolution
from .kernel import Rule, multiply_add
from .norms import GroupNorm
from .resample import downsample, upsample
from .tensor import SparseTensor
from .voxels import Voxels
from .windows import attend_objects, attend_windows

__all__ = [
    "ConvolutionKernel",
    "GroupNorm",
    "PointConvolution",
    "Rule",
    "SparseTensor",
    "SubmanifoldConvolution",
    "Voxels",
    "attend_objects",
    "attend_windows",
    "by_rows",
    "downsample",
    "multiply_add",
    "upsample",
]
