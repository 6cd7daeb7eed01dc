"""Surface extraction: raw channels of sparse cubes, or a plain grid of signed distances, to a triangle mesh.

FlexiCubes (Shen et al. 2023, "Flexible Isosurface Extraction for Gradient-Based Mesh Optimization"): dual marching
cubes whose vertices move with learned weights. Written from the paper, with case tables of our own (`cases`).

What holds, whatever the values, where the solid does not reach the border of the grid: every mesh edge has exactly two
faces, which run along it in opposite directions, and the faces at a vertex form one fan. Without deformation, a grid
point has winding number 1 if its sdf is below 0, else 0. What does not hold: faces may cross one another, as a vertex
moves freely within its cube and two of one cube do not know of each other.
"""

from __future__ import annotations

import torch

from .cubes import SurfaceCubes, cubes_of_channels, cubes_of_grid
from .dual import dual_vertices
from .grid import KeySpace
from .quads import fans, surface_quads, triangles
from .result import Surface
from .validation import CHANNEL_WIDTHS, check_cubes, check_grid


def extract_surface(
    cubes: torch.Tensor, channels: torch.Tensor, resolution: int, *, quad_centres: bool = False
) -> Surface:
    """Surface of the active cubes [N, 3] (integers in 0 to resolution - 1, any order) with raw channels [N, 101].

    Channels: 8 sdf, 24 deformation (xyz), 21 weights (12 beta, 8 alpha, 1 gamma), 48 attributes (red, green, blue,
    normal xyz); sdf, deformation and attributes corner by corner. Half precision is read as float32. Differentiable in
    sdf, deformation, beta, alpha and attributes; in gamma only with `quad_centres`, which cuts every quad into four
    triangles about a centre instead of two. Raises SurfaceError.
    """
    check_cubes(cubes, channels, resolution)
    if not len(cubes):
        dtype = torch.promote_types(channels.dtype, torch.float32)
        return _empty(channels.new_zeros(0, 3 + CHANNEL_WIDTHS[3] // 8, dtype=dtype))
    return _surface(cubes_of_channels(cubes, channels, KeySpace(resolution)), quad_centres)


def surface_of_sdf(sdf: torch.Tensor, *, quad_centres: bool = False) -> Surface:
    """Surface of a grid of signed distances [R + 1, R + 1, R + 1] (x, y, z), negative inside; no attributes.

    Point (i, j, k) lies at (i, j, k) / R - 0.5. Raises SurfaceError.
    """
    check_grid(sdf)
    return _surface(cubes_of_grid(sdf), quad_centres)


def _surface(cubes: SurfaceCubes, quad_centres: bool) -> Surface:
    if not len(cubes.keys):
        return _empty(cubes.values)
    dual = dual_vertices(cubes)
    quads = surface_quads(cubes, dual.numbering)
    values, faces = fans(quads, dual) if quad_centres else (dual.values, triangles(quads, dual.gamma))
    return Surface(vertices=values[:, :3], faces=faces, attributes=values[:, 3:])


def _empty(values: torch.Tensor) -> Surface:
    none = values[:0]
    return Surface(vertices=none[:, :3], faces=none.new_zeros(0, 3, dtype=torch.int64), attributes=none[:, 3:])
