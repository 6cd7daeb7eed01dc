"""A mesh made ready for registration: surface samples, the side that a camera sees, and a ray caster."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from ..geometry import Mesh
from ..geometry.sampling import sample_surface, triangle_areas

THIN_SAMPLES = 384
PROBES = 150
_BLOCK = 1 << 16  # distances that are computed at a time
_MIN_VISIBLE = 30  # fewer samples do not make a surface: hidden ones are then taken as well
_SAME_VIEW_COSINE = math.cos(math.radians(4.0))
_SAME_VIEW_DISTANCE = 0.1  # relative
# The 26 neighbours of a cell, as directions in which a mesh is outermost.
_DIRECTIONS = np.array([d for d in np.ndindex(3, 3, 3) if d != (1, 1, 1)], np.float32) - 1


@dataclass(frozen=True, slots=True, eq=False)
class ThinSide:
    """Always `THIN_SAMPLES` of the visible samples, so that those of many objects make one array."""

    table: NDArray[np.float64]  # [K, 6] points and normals
    lookup: NDArray[np.float32]  # [4, K] see `lookup_of`
    spacing: float  # m, usual distance between neighbours


@dataclass(frozen=True, slots=True, eq=False)
class VisibleSide:
    """Samples of the surface that a camera at `p_obj_camera` sees; object frame, metres."""

    table: NDArray[np.float64]  # [N, 6] points, and unit normals that point outwards
    centre: NDArray[np.float64]  # [3] median of the points
    p_obj_camera: NDArray[np.float64]  # [3]
    lookup: NDArray[np.float32]  # [4, N] see `lookup_of`
    thin: ThinSide
    probes: NDArray[np.float64]  # [PROBES, 3] a few of the points

    @property
    def points(self) -> NDArray[np.float64]:
        """[N, 3]"""
        return self.table[:, :3]

    @property
    def normals(self) -> NDArray[np.float64]:
        """[N, 3]"""
        return self.table[:, 3:]

    def nearest(self, x: NDArray[np.float64]) -> NDArray[np.intp]:
        """Index [M] of the sample nearest to each of the points [M, 3].

        A product with the whole table takes half the time of a search tree for some hundred points. It is done in
        blocks below the size from which BLAS wakes threads, which costs more than it gains.
        """
        samples = self.lookup.shape[1]
        blocks = max(1, -(-len(x) * samples // _BLOCK))
        rows = -(-len(x) // blocks)
        extended = np.zeros((blocks * rows, 4), np.float32)
        extended[: len(x), :3] = x
        extended[:, 3] = 1
        products = extended.reshape(blocks, rows, 4) @ self.lookup
        index: NDArray[np.intp] = products.reshape(-1, samples).argmin(axis=-1)[: len(x)]
        return index


def lookup_of(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Table [4, N] that finds the nearest of the points [N, 3] with one matrix product.

    |x - p|^2 / 2 = x.x / 2 + (p.p / 2 - x.p), of which only the bracket differs from point to point: it is the product
    of (x, 1) and (-p, p.p / 2). Single precision errs by micrometres.
    """
    table = np.empty((4, len(points)), np.float32)
    table[:3] = -points.T
    table[3] = np.einsum("ij,ij->i", points, points) / 2
    return table


def nearest_columns(x: NDArray[np.float64], lookup: NDArray[np.float32]) -> NDArray[np.intp]:
    """Index [..., M] of the point nearest to each of x [..., 3, M] in a table [..., 4, N] of `lookup_of`."""
    index: NDArray[np.intp] = _products(x, lookup).argmin(axis=-1)
    return index


def nearest_distances(x: NDArray[np.float64], lookup: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distance [..., M] of each of x [..., 3, M] from the point nearest to it; errs by 0.0005 of their length."""
    squares = (x * x).sum(axis=-2) + 2 * _products(x, lookup).min(axis=-1)
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squares, 0.0))
    return distances


def _products(x: NDArray[np.float64], lookup: NDArray[np.float32]) -> NDArray[np.float32]:
    """[..., M, N]"""
    extended = np.ones((*x.shape[:-2], 4, x.shape[-1]), np.float32)
    extended[..., :3, :] = x
    products: NDArray[np.float32] = extended.swapaxes(-1, -2) @ lookup
    return products


class SurfaceModel:
    """Samples, size and ray caster of one mesh. Make it once for each mesh and keep it: it takes milliseconds.

    `spacing` is the usual distance between neighbouring samples, `radius` the RMS distance of the surface from the
    origin, `diameter` the diagonal of the box around the mesh; metres. `corners` [26, 3] are its outermost vertices.
    """

    def __init__(self, mesh: Mesh, *, samples: int = 1500, seed: int = 0) -> None:
        sampled = sample_surface(mesh, samples, seed)
        self.points, self.normals = sampled.points, sampled.normals
        self.spacing = float(np.sqrt(triangle_areas(mesh).sum() / samples))
        self.radius = max(float(np.sqrt((self.points**2).sum(axis=1).mean())), 1e-6)
        self.diameter = float(np.linalg.norm(mesh.extents))
        self.corners = mesh.vertices[np.argmax(mesh.vertices @ _DIRECTIONS.T, axis=0)].astype(np.float64)
        self._scene = _ray_scene(mesh)
        self._side: VisibleSide | None = None

    def visible_side(self, p_obj_camera: NDArray[np.float64]) -> VisibleSide:
        """What a camera at this place [3] sees; the last answer is used again while the view hardly changes."""
        if self._side is None or not _same_view(self._side.p_obj_camera, p_obj_camera):
            self._side = self._find_visible(p_obj_camera)
        return self._side

    def depth_along(self, p_obj_camera: NDArray[np.float64], directions: NDArray[np.float64]) -> NDArray[np.float32]:
        """Multiple [N] of each direction [N, 3], from the camera, at which it meets the mesh; Inf where it misses it.

        Directions of length 1 along the camera's z give the depth in metres.
        """
        rays = np.empty((len(directions), 6), np.float32)
        rays[:, :3] = p_obj_camera
        rays[:, 3:] = directions
        depth: NDArray[np.float32] = self._scene.cast_rays(o3d.core.Tensor.from_numpy(rays))["t_hit"].numpy()
        return depth

    def _find_visible(self, p_obj_camera: NDArray[np.float64]) -> VisibleSide:
        towards = self.points - p_obj_camera
        front = np.einsum("ij,ij->i", towards, self.normals) < 0
        chosen = front & self._unoccluded(p_obj_camera, towards)
        if np.count_nonzero(chosen) < _MIN_VISIBLE:
            chosen = front if np.count_nonzero(front) >= _MIN_VISIBLE else np.ones(len(front), bool)
        table = np.concatenate([self.points[chosen], self.normals[chosen]], axis=1)
        points = table[:, :3]
        return VisibleSide(
            table=table,
            centre=np.median(points, axis=0),
            p_obj_camera=p_obj_camera,
            lookup=lookup_of(points),
            thin=self._thinned(table),
            probes=points[spread(len(points), PROBES)],
        )

    def _thinned(self, table: NDArray[np.float64]) -> ThinSide:
        chosen = table[spread(len(table), THIN_SAMPLES)]
        spacing = self.spacing * max(1.0, len(table) / THIN_SAMPLES) ** 0.5
        return ThinSide(chosen, lookup_of(chosen[:, :3]), spacing)

    def _unoccluded(self, p_obj_camera: NDArray[np.float64], towards: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the ray from the camera reaches each sample before anything else."""
        hit = self.depth_along(p_obj_camera, towards)
        slack = 0.01 * self.diameter / np.maximum(np.linalg.norm(towards, axis=1), 1e-9)
        visible: NDArray[np.bool_] = hit > 1.0 - slack
        return visible


def _ray_scene(mesh: Mesh) -> o3d.t.geometry.RaycastingScene:
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor.from_numpy(mesh.vertices), o3d.core.Tensor.from_numpy(mesh.triangles.astype(np.uint32))
    )
    return scene


def spread(count: int, wanted: int) -> NDArray[np.int64]:
    """`wanted` indices evenly over `count` items, repeated where they are fewer."""
    return np.arange(wanted) * count // wanted


def _same_view(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    length_a, length_b = math.sqrt(a @ a), math.sqrt(b @ b)
    turned = float(a @ b) < _SAME_VIEW_COSINE * length_a * length_b
    return not turned and abs(length_a - length_b) < _SAME_VIEW_DISTANCE * length_a
