"""What is refused before a surface is extracted."""

from __future__ import annotations

import torch

CHANNEL_WIDTHS = (8, 24, 21, 48)  # sdf, deformation, weights, colour: of one cube, corner by corner
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


class SurfaceError(ValueError):
    """A field from which no surface can be extracted."""


def check_cubes(cubes: torch.Tensor, channels: torch.Tensor, resolution: int) -> None:
    """Raise SurfaceError unless cubes [N, 3] lie in the grid and channels [N, 101] are finite floats beside them."""
    width = sum(CHANNEL_WIDTHS)
    if resolution < 1:
        raise SurfaceError(f"resolution is {resolution}; it counts the cubes along an edge of the grid, at least 1")
    if cubes.dtype not in INTEGERS or cubes.ndim != 2 or cubes.shape[1] != 3:
        raise SurfaceError(f"cubes are {cubes.dtype} {tuple(cubes.shape)}; give integer coordinates [N, 3]")
    if tuple(channels.shape) != (len(cubes), width) or not channels.is_floating_point():
        raise SurfaceError(
            f"channels are {channels.dtype} {tuple(channels.shape)}; give floats [{len(cubes)}, {width}]"
        )
    if len(cubes) and not 0 <= int(cubes.min()) <= int(cubes.max()) < resolution:
        low, high = int(cubes.min()), int(cubes.max())
        raise SurfaceError(f"cube coordinates reach from {low} to {high}; the grid has 0 to {resolution - 1}")
    _check_finite(channels, "channels")


def check_unique(sorted_keys: torch.Tensor) -> None:
    """Raise SurfaceError when a key [N] occurs twice."""
    repeated = int((sorted_keys[1:] == sorted_keys[:-1]).sum())
    if repeated:
        raise SurfaceError(f"{repeated} cubes are given more than once; give each cube of the grid once")


def check_grid(sdf: torch.Tensor) -> None:
    """Raise SurfaceError unless sdf is a finite float grid [R + 1, R + 1, R + 1]."""
    if sdf.ndim != 3 or len(set(sdf.shape)) != 1 or len(sdf) < 2 or not sdf.is_floating_point():
        raise SurfaceError(f"sdf is {sdf.dtype} {tuple(sdf.shape)}; give floats at the points [R + 1, R + 1, R + 1]")
    _check_finite(sdf, "sdf")


def _check_finite(values: torch.Tensor, name: str) -> None:
    # One bad value spoils the sum, which needs no memory of its own; float32 keeps half precision from overflowing.
    total = values.detach().sum(dtype=torch.promote_types(values.dtype, torch.float32))
    if not bool(torch.isfinite(total)):
        bad = int((~torch.isfinite(values)).sum())
        raise SurfaceError(f"{name} hold {bad} values that are NaN or infinite; check the weights and the precision")
