"""Light of a static scene, computed once per vertex: a soft window light with its shadows, and a shaded sky.

The camera moves, the scene does not: shadows and ambient occlusion are baked, a picture then costs one ray per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import open3d as o3d
from numpy.typing import NDArray

from .surface import Array

REACH = 0.6  # m, how far ambient occlusion looks
LIFT = 4e-4  # m, start of a shadow ray above its surface


@dataclass(frozen=True, slots=True)
class Lighting:
    """A square window as key light and a uniform sky; colours linear."""

    centre: tuple[float, float, float] = (-1.1, -0.7, 1.7)  # world
    size: float = 0.55
    key: tuple[float, float, float] = (1.0, 0.95, 0.86)
    sky: tuple[float, float, float] = (0.42, 0.46, 0.52)
    key_samples: int = 36
    sky_samples: int = 48


@dataclass(frozen=True, slots=True, eq=False)
class BakedLight:
    """Per vertex: share of the key light that arrives (0-1, cosine included in `key`), and open share of the sky."""

    visible: Array  # [V]
    key: Array  # [V]
    sky: Array  # [V]


def bake(scene: o3d.t.geometry.RaycastingScene, points: Array, normals: Array, lighting: Lighting) -> BakedLight:
    """Light at surface points [V, 3] with outer normals [V, 3], world frame."""
    origins = points + LIFT * normals
    visible, key = np.zeros(len(points)), np.zeros(len(points))
    for spot in _window(lighting):
        toward = spot - origins
        distance = np.linalg.norm(toward, axis=1, keepdims=True)
        seen = ~_blocked(scene, origins, toward / distance, float(distance.max()))
        cosine = np.maximum((normals * toward / distance).sum(axis=1), 0)
        visible += seen / lighting.key_samples
        key += seen * cosine / lighting.key_samples
    return BakedLight(visible, key, _open_sky(scene, origins, normals, lighting.sky_samples))


def _open_sky(scene: o3d.t.geometry.RaycastingScene, origins: Array, normals: Array, samples: int) -> Array:
    """Cosine-weighted share of the hemisphere without a surface nearer than REACH."""
    tangent, bitangent = _tangents(normals)
    open_share = np.zeros(len(origins))
    for x, y, z in _hemisphere(samples):
        directions = x * tangent + y * bitangent + z * normals
        open_share += ~_blocked(scene, origins, directions, REACH) / samples
    return open_share


def _blocked(
    scene: o3d.t.geometry.RaycastingScene, origins: Array, directions: Array, reach: float
) -> NDArray[np.bool_]:
    rays = np.concatenate([origins, directions], axis=1).astype(np.float32)
    hits: NDArray[np.bool_] = scene.test_occlusions(o3d.core.Tensor.from_numpy(rays), tnear=0.0, tfar=reach).numpy()
    return hits


def _window(lighting: Lighting) -> Array:
    """Sample points [N, 3] on the light, a square that faces the table."""
    centre = np.asarray(lighting.centre)
    facing = -centre / np.linalg.norm(centre)
    tangent, bitangent = _tangents(facing[None])
    side = int(np.sqrt(lighting.key_samples))
    steps = (np.arange(side) + 0.5) / side - 0.5
    u, v = (axis.reshape(-1, 1) * lighting.size for axis in np.meshgrid(steps, steps))
    spots: Array = centre + u * tangent + v * bitangent
    return spots


def _hemisphere(samples: int) -> Array:
    """Cosine-weighted directions [N, 3] about +z, on a golden-angle spiral."""
    index = np.arange(samples)
    radius = np.sqrt((index + 0.5) / samples)
    angle = index * np.pi * (3 - np.sqrt(5))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - radius**2)], axis=1)


def _tangents(normals: Array) -> tuple[Array, Array]:
    """Two unit vectors across each normal (Duff et al., JCGT 2017)."""
    x, y, z = normals.T
    sign = np.where(z >= 0, 1.0, -1.0)
    a = -1.0 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
    second = np.stack([b, sign + y * y * a, -y], axis=1)
    return first, second
