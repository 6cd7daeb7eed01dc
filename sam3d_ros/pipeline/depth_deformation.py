"""The seen side of a finished mesh laid onto the measured depth, and the rest bent along as little as it can be.

Each vertex may move along its ray. What moves it is how far the depth readings lie before or behind the surface that
their rays meet; what holds it is the energy of a thin plate, which lets no reading act on its own place alone, so that
noise is averaged and a seen part carries its surroundings along (Botsch and Kobbelt, An Intuitive Framework for
Real-Time Freeform Modeling, 2004). The mesh keeps its triangles and colours, and stays closed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg

from ..geometry import SE3, Mesh
from .surface_model import spread

Array = NDArray[np.float64]

_ENOUGH_READINGS = 20
_NEAR = 0.02  # m before the camera; vertices nearer than this stay
_ROUNDS = 3  # of weighing readings anew
_MOST_STEPS, _PRECISION = 60, 1e-3  # of the solver, in each round
_COTANGENTS = (0.05, 20.0)  # of an angle, between which slivers are taken for triangles


@dataclass(frozen=True, slots=True)
class DeformationConfig:
    """How far and how softly a surface follows the depth."""

    readings: int = 4000  # depth points that take part, spread evenly over the mask
    reach: tuple[float, float] = (0.005, 0.02)  # m along the ray, a reading farther away belongs to something else;
    spreads: float = 6.0  # between these limits so many standard deviations of all readings
    stiffness: float = 0.004  # m at 1 m: dents smaller than this are noise; grows with the distance, as noise does
    hold: float = 0.1  # of the weight of readings, by which everything stays where it is
    grazing: float = 0.15  # cosine of the angle between ray and normal, below which readings say nothing


@dataclass(frozen=True, slots=True, eq=False)
class _Readings:
    """Depth readings whose rays meet the mesh."""

    beyond: Array  # [N] m along the camera's z, from the surface to the reading
    cosine: Array  # [N] between ray and normal
    corners: NDArray[np.int64]  # [N, 3] vertices of the triangle that is met
    barycentric: Array  # [N, 3] their weights


def lay_on_depth(mesh: Mesh, T_cam_obj: SE3, points: Array, *, config: DeformationConfig | None = None) -> Mesh:
    """The mesh in its object frame with the seen side on the depth points [N, 3], metres in the optical frame.

    Where fewer than `_ENOUGH_READINGS` rays meet it within reach, it comes back as it is.
    """
    config = config or DeformationConfig()
    p_cam = T_cam_obj.apply(mesh.vertices)
    readings = _meeting(p_cam, mesh.triangles, points, config)
    if len(readings.beyond) < _ENOUGH_READINGS:
        return mesh
    length = config.stiffness * float(np.median(points[:, 2]))
    far = p_cam[:, 2:] > _NEAR  # a ray through a vertex beside the camera leads anywhere
    rays = np.divide(p_cam, p_cam[:, 2:], out=np.zeros_like(p_cam), where=far)
    moved = p_cam + rays * _solved(p_cam, mesh.triangles, readings, length, config)[:, None]
    return Mesh(T_cam_obj.inverse().apply(moved).astype(np.float32), mesh.triangles, mesh.vertex_colors)


def _meeting(p_cam: Array, triangles: NDArray[np.int32], points: Array, config: DeformationConfig) -> _Readings:
    points = points[spread(len(points), min(len(points), config.readings))]
    scene = o3d.t.geometry.RaycastingScene()
    vertices, corners = p_cam.astype(np.float32), triangles.astype(np.uint32)
    scene.add_triangles(o3d.core.Tensor.from_numpy(vertices), o3d.core.Tensor.from_numpy(corners))
    rays = np.zeros((len(points), 6), np.float32)
    rays[:, 3:] = points / points[:, 2:]
    answer = {name: values.numpy() for name, values in scene.cast_rays(o3d.core.Tensor.from_numpy(rays)).items()}
    along = rays[:, 3:] / np.linalg.norm(rays[:, 3:], axis=1, keepdims=True)
    normals = answer["primitive_normals"]
    with np.errstate(invalid="ignore", divide="ignore"):  # rays that miss have no normal
        cosine = np.abs((normals * along).sum(axis=1)) / np.linalg.norm(normals, axis=1)
        beyond = points[:, 2] - answer["t_hit"]
        taken = np.flatnonzero((np.abs(beyond) < 2 * config.reach[1]) & (cosine > config.grazing))
    uv = answer["primitive_uvs"][taken].astype(np.float64)
    return _Readings(
        beyond=beyond[taken].astype(np.float64),
        cosine=cosine[taken].astype(np.float64),
        corners=triangles[answer["primitive_ids"][taken]].astype(np.int64),
        barycentric=np.concatenate([1 - uv.sum(axis=1, keepdims=True), uv], axis=1),
    )


def _solved(
    p_cam: Array, triangles: NDArray[np.int32], readings: _Readings, length: float, config: DeformationConfig
) -> Array:
    """How far each vertex moves along the camera's z, [V] metres."""
    count, vertices = len(readings.beyond), len(p_cam)
    rows = np.repeat(np.arange(count), 3)
    at = sparse.csr_matrix((readings.barycentric.ravel(), (rows, readings.corners.ravel())), (count, vertices))
    laplacian, areas = _laplacian(p_cam, triangles)
    plate = laplacian @ sparse.diags(1 / areas) @ laplacian
    density = count / areas.sum()  # readings in a square metre, so that stiffness does not depend on how many there are
    held = density * (length**4 * plate + config.hold * sparse.diags(areas))
    moved = np.zeros(vertices)
    reach = _reach(readings.beyond, config)
    for _ in range(_ROUNDS):
        share = (readings.beyond - at @ moved) / reach
        weights = readings.cosine**2 * np.maximum(1 - share * share, 0.0) ** 2  # Tukey's
        matrix = (at.T @ sparse.diags(weights) @ at + held).tocsr()
        scales = 1 / matrix.diagonal()
        jacobi = LinearOperator(matrix.shape, lambda v, scales=scales: scales * v)
        wanted = at.T @ (weights * readings.beyond)
        moved, _ = cg(matrix, wanted, x0=moved, rtol=_PRECISION, maxiter=_MOST_STEPS, M=jacobi)
    return moved


def _reach(beyond: Array, config: DeformationConfig) -> float:
    spread_of_readings = 1.4826 * float(np.median(np.abs(beyond)))
    return float(np.clip(config.spreads * spread_of_readings, *config.reach))


def _laplacian(p: Array, triangles: NDArray[np.int32]) -> tuple[sparse.csr_matrix, Array]:
    """Stiffness matrix of cotangents [V, V] and areas around the vertices [V] (Pinkall and Polthier 1993)."""
    i, j, k = triangles.T
    count, edges = len(p), []
    for a, b, c in ((i, j, k), (j, k, i), (k, i, j)):
        u, v = p[a] - p[c], p[b] - p[c]
        sines = np.maximum(np.linalg.norm(np.cross(u, v), axis=1), 1e-12)
        weights = np.clip((u * v).sum(axis=1) / sines, *_COTANGENTS) / 2
        edges.append(sparse.coo_matrix((weights, (a, b)), (count, count)))
    half = (edges[0] + edges[1] + edges[2]).tocsr()
    weights = half + half.T
    doubled = np.linalg.norm(np.cross(p[j] - p[i], p[k] - p[i]), axis=1)
    areas = np.bincount(triangles.ravel(), np.repeat(doubled / 6, 3), count)
    return (sparse.diags(np.asarray(weights.sum(axis=1)).ravel()) - weights).tocsr(), np.maximum(areas, 1e-12)
