"""Pictures of surfaces in soft light: a key light with shadow, baked ambient light, smooth edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....geometry import SE3, PinholeCamera
from ....geometry.render import RayHits, cast_rays
from .colours import linear_to_srgb
from .floor import FloorShadow
from .occlusion import Occluders
from .surface import Surface

Float32Array = NDArray[np.float32]

_SUPERSAMPLING = 2
# Towards the light from above left behind the viewer; camera frame (x right, y down, z forward).
_KEY_CAM = np.array([-0.48, -0.76, -0.44], np.float32)
# Vertex colours come from photographs and hold their shade already, so the light is bright.
_KEY_STRENGTH = 0.75
_AMBIENT_STRENGTH = 0.88
_LIGHT_SIZE = 0.06  # of the key light, as a share of its distance


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Colour with cover: `alpha` is 0 where nothing was hit."""

    color: NDArray[np.uint8]  # [H, W, 3] sRGB
    alpha: Float32Array  # [H, W] 0-1

    def rgba(self) -> NDArray[np.uint8]:
        """Colour and cover as [H, W, 4]."""
        return np.concatenate([self.color, np.rint(255 * self.alpha[..., None]).astype(np.uint8)], axis=2)

    def over(self, background: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture laid over another one of its size."""
        alpha = self.alpha[..., None]
        return np.rint(alpha * self.color + (1 - alpha) * background).astype(np.uint8)

    def above_shadow(self, darkness: Float32Array) -> Picture:
        """The picture with black of that strength [H, W] beneath it."""
        alpha = self.alpha + (1 - self.alpha) * darkness
        share = self.alpha / np.maximum(alpha, 1e-6)
        return Picture(np.rint(self.color * share[..., None]).astype(np.uint8), alpha)


def take_picture(surfaces: Sequence[Surface], poses: Sequence[SE3], camera: PinholeCamera) -> Picture:
    """Surfaces with their poses T_cam_obj as the camera sees them, on nothing."""
    fine = camera.scaled_to(camera.width * _SUPERSAMPLING, camera.height * _SUPERSAMPLING)
    hits = cast_rays([surface.mesh for surface in surfaces], poses, fine)
    light = np.zeros((fine.height, fine.width, 3), np.float32)
    seen = hits.index >= 0
    if seen.any():
        light[seen] = _light(surfaces, poses, hits, fine)
    cover = _average(seen.astype(np.float32))
    return Picture(linear_to_srgb(_average(_tone(light)) / np.maximum(cover, 1e-6)[..., None]), cover)


def take_picture_on_floor(
    surface: Surface, T_cam_obj: SE3, camera: PinholeCamera, *, floor: FloorShadow | None = None
) -> Picture:
    """One surface on an invisible floor that only catches its shadow, which is part of `alpha`."""
    picture = take_picture([surface], [T_cam_obj], camera)
    darkness = (floor or FloorShadow(surface)).seen(T_cam_obj, camera, _unit(_KEY_CAM))
    return picture.above_shadow(darkness * _window(camera))


def _light(surfaces: Sequence[Surface], poses: Sequence[SE3], hits: RayHits, camera: PinholeCamera) -> Float32Array:
    """Linear light [N, 3] that leaves each hit towards the viewer."""
    seen = hits.index >= 0
    rays = camera.rays()[seen].astype(np.float32)
    albedo, normals, ambient = _materials(surfaces, poses, hits)
    normals *= np.where(np.einsum("nc,nc->n", normals, rays) < 0, 1, -1)[:, None]
    key = _unit(_KEY_CAM)
    facing = np.maximum(normals @ key, 0)
    points = rays * hits.depth[seen][:, None]
    offset = 2e-3 * max(surface.radius for surface in surfaces)
    lit = facing > 0
    open_to_key = np.zeros(len(points), np.float32)
    open_to_key[lit] = ~_hidden(surfaces, poses, points[lit] + offset * normals[lit], key)
    glow = _AMBIENT_STRENGTH * ambient + _KEY_STRENGTH * facing * open_to_key
    light: Float32Array = albedo * glow[:, None]
    return light


def _materials(
    surfaces: Sequence[Surface], poses: Sequence[SE3], hits: RayHits
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Linear colour [N, 3], unit normal in the camera frame [N, 3] and ambient light [N] at the hits."""
    seen = hits.index >= 0
    index, triangle, weights = hits.index[seen], hits.triangle[seen], hits.barycentric[seen]
    albedo, normals = np.zeros((2, len(index), 3), np.float32)
    ambient = np.zeros(len(index), np.float32)
    for number, (surface, T_cam_obj) in enumerate(zip(surfaces, poses, strict=True)):
        at = index == number
        corners = surface.mesh.triangles[triangle[at]]
        albedo[at] = np.einsum("nk,nkc->nc", weights[at], surface.albedo[corners])
        ambient[at] = np.einsum("nk,nk->n", weights[at], surface.ambient[corners])
        soft = np.einsum("nk,nkc->nc", weights[at], surface.corner_normals[triangle[at]])
        normals[at] = soft @ T_cam_obj.rotation.T.astype(np.float32)
    return albedo, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9), ambient


def _hidden(
    surfaces: Sequence[Surface], poses: Sequence[SE3], points: Float32Array, key: Float32Array
) -> NDArray[np.bool_]:
    """Whether something stands between a point [N, 3] and the key light; one ray each, jittered over the light."""
    posed = (
        (T.apply(surface.mesh.vertices), surface.mesh.triangles) for surface, T in zip(surfaces, poses, strict=True)
    )
    jitter = np.random.default_rng(0).normal(scale=_LIGHT_SIZE, size=points.shape).astype(np.float32)
    return Occluders(posed).hide(points, key + jitter)


def _window(camera: PinholeCamera) -> Float32Array:
    """1 in the middle of the picture, falling to 0 in a circle that touches its border, [H, W]: shadows end softly."""
    u, v = np.linspace(-1, 1, camera.width), np.linspace(-1, 1, camera.height)
    rise = np.clip((1 - np.hypot(u, v[:, None])) / 0.5, 0, 1)
    return (rise * rise * (3 - 2 * rise)).astype(np.float32)


def _tone(light: Float32Array) -> Float32Array:
    """Bend light above 0.8 so that it approaches 1 softly."""
    over = np.maximum(light - 0.8, 0)
    bent: Float32Array = np.where(light > 0.8, 0.8 + 0.2 * (1 - np.exp(-over / 0.2)), light).astype(np.float32)
    return bent


def _average(image: Float32Array) -> Float32Array:
    """Mean over the fine pixels of each pixel, of [H, W] or [H, W, C]."""
    height, width = image.shape[0] // _SUPERSAMPLING, image.shape[1] // _SUPERSAMPLING
    blocks = image.reshape(height, _SUPERSAMPLING, width, _SUPERSAMPLING, *image.shape[2:])
    mean: Float32Array = blocks.mean(axis=(1, 3))
    return mean


def _unit(vector: Float32Array) -> Float32Array:
    unit: Float32Array = vector / np.linalg.norm(vector)
    return unit
