"""Laws that a mesh must obey, and fields to try them on."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sam3d_ros.model.surface import Surface


def directed_edges(surface: Surface) -> torch.Tensor:
    """The three edges of each face [3 F, 2], all first edges first, in the direction of the face."""
    return torch.cat([surface.faces[:, [i, (i + 1) % 3]] for i in range(3)])


def edges_with_other_than_two_faces(surface: Surface) -> int:
    """How many edges are not run along exactly once in each direction: zero of a closed, oriented surface."""
    edges = directed_edges(surface)
    count = len(surface.vertices)
    forward, times = torch.unique(edges[:, 0] * count + edges[:, 1], return_counts=True)
    backward = torch.unique(edges[:, 1] * count + edges[:, 0])
    lonely = torch.isin(forward, backward, invert=True).sum()
    return int((times != 1).sum() + lonely)


def fans(surface: Surface) -> int:
    """Fans of faces around vertices: as many as vertices if no two sheets touch in one vertex."""
    edges, faces = directed_edges(surface).numpy(), len(surface.faces)
    corner = np.arange(3 * faces).reshape(3, faces)  # corner i of a face, of which edge i starts
    start, end = corner.reshape(-1), np.roll(corner, -1, axis=0).reshape(-1)
    low, high = edges.min(axis=1), edges.max(axis=1)
    order = np.lexsort((edges[:, 0] > edges[:, 1], high, low))
    one, two = order[0::2], order[1::2]  # the two directions of each edge
    links = (np.concatenate((start[one], end[one])), np.concatenate((end[two], start[two])))
    graph = coo_matrix((np.ones(len(links[0])), links), shape=(3 * faces, 3 * faces))
    return int(connected_components(graph, directed=False)[0])


def winding_numbers(surface: Surface, points: torch.Tensor) -> torch.Tensor:
    """How often the surface goes around each point [N] (sum of the solid angles of its triangles)."""
    a, b, c = (surface.vertices.double()[surface.faces[:, i]] - points.double()[:, None] for i in range(3))  # [N, F, 3]
    la, lb, lc = (side.norm(dim=-1) for side in (a, b, c))
    volume = (a * torch.linalg.cross(b, c)).sum(-1)
    cosine = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return 2 * torch.atan2(volume, cosine).sum(1) / (4 * math.pi)


def signed_volume(surface: Surface) -> float:
    """Volume within the surface, positive if its faces look outward."""
    a, b, c = surface.vertices.double()[surface.faces].unbind(1)
    return float((a * torch.linalg.cross(b, c)).sum() / 6)


def grid_points(resolution: int) -> torch.Tensor:
    """Places of all points of a grid [(R + 1)^3, 3], z fastest."""
    axis = torch.arange(resolution + 1) / resolution - 0.5
    return torch.cartesian_prod(axis, axis, axis)


def bordered(sdf: torch.Tensor) -> torch.Tensor:
    """The grid with one more layer of outside points all around."""
    return torch.nn.functional.pad(sdf, (1, 1) * 3, value=1.0)


def side_by_side(blocks: torch.Tensor, between: float, generator: torch.Generator) -> torch.Tensor:
    """A cubic field of the signs of all blocks [K, a, b, c], with a layer of `between` around each and random sizes."""
    padded = torch.nn.functional.pad(blocks, (1, 0) * 3, value=between)
    count = math.ceil(len(padded) ** (1 / 3) - 1e-9)
    sizes = [count * size for size in padded.shape[1:]]
    field = torch.full((max(sizes) + 1,) * 3, between)
    missing = padded.new_full((count**3 - len(padded), *padded.shape[1:]), between)
    tiles = torch.cat((padded, missing)).reshape(count, count, count, *padded.shape[1:])
    field[: sizes[0], : sizes[1], : sizes[2]] = tiles.permute(0, 3, 1, 4, 2, 5).reshape(sizes)
    return bordered(field * (0.1 + torch.rand(field.shape, generator=generator)))
