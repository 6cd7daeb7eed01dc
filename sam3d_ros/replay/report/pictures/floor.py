"""The invisible floor below an object: it only catches shadow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from ....geometry import SE3, PinholeCamera
from ....geometry.sampling import sphere_directions
from .occlusion import Occluders
from .surface import Surface

Float32Array = NDArray[np.float32]

_CELLS = 96  # per edge of the shadow map
_REACH = 2.6  # half edge of the shadow map, in radii of the object
_SKY_RAYS = 48
_KEY_RAYS = 12
_LIGHT_SIZE = 0.16  # of the key light, as a share of its distance
_CONTACT_DARKNESS = 0.42
_KEY_DARKNESS = 0.20
_BLUR_CELLS = 0.9


class FloorShadow:
    """Darkness of the floor on which a surface stands, as a map in its object frame (z up)."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._occluders = Occluders([(surface.mesh.vertices, surface.mesh.triangles)])
        self._edge = 2 * _REACH * surface.radius
        self._points = self._map_points()
        # The lowest sky is hidden by whatever stands around; leaving it out keeps the contact shadow close.
        sky = [direction for direction in sphere_directions(2 * _SKY_RAYS) if direction[2] > 0.15]
        weight = sum(float(direction[2]) for direction in sky)
        self._contact = sum(float(direction[2]) / weight * self._hidden(direction) for direction in sky)

    def seen(self, T_cam_obj: SE3, camera: PinholeCamera, key_cam: Float32Array) -> Float32Array:
        """Darkness 0-1 of each pixel [H, W] that looks at the floor, with a key light in that direction."""
        key_obj = (T_cam_obj.rotation.T @ key_cam).astype(np.float32)
        darkness = gaussian_filter(_CONTACT_DARKNESS * self._contact + self._key_shadow(key_obj), _BLUR_CELLS)
        darkness *= self._fade()
        position = T_cam_obj.inverse().translation_xyz
        rays_obj = camera.rays() @ T_cam_obj.rotation
        falling = rays_obj[..., 2] < -1e-4
        distance = (self._surface.floor - position[2]) / np.where(falling, rays_obj[..., 2], -1e9)
        offset = position[:2] + distance[..., None] * rays_obj[..., :2] - self._surface.centre[:2]
        cells = offset / self._edge * _CELLS + (_CELLS - 1) / 2
        shade = map_coordinates(darkness, [cells[..., 1], cells[..., 0]], order=1, mode="constant")
        return np.where(falling, shade, 0.0).astype(np.float32)

    def _map_points(self) -> Float32Array:
        along = ((np.arange(_CELLS) + 0.5) / _CELLS - 0.5) * self._edge
        x, y = np.meshgrid(along + self._surface.centre[0], along + self._surface.centre[1])
        z = np.full_like(x, self._surface.floor + 1e-3 * self._surface.radius)
        return np.stack([x, y, z], axis=-1).astype(np.float32)

    def _hidden(self, direction: Float32Array) -> Float32Array:
        """1 where the object stands in that direction, [cells, cells]."""
        return self._occluders.hide(self._points, direction).astype(np.float32)

    def _key_shadow(self, key_obj: Float32Array) -> Float32Array:
        jitter = _LIGHT_SIZE * sphere_directions(_KEY_RAYS)
        return _KEY_DARKNESS / _KEY_RAYS * sum((self._hidden(key_obj + shift) for shift in jitter), np.float32(0))

    def _fade(self) -> Float32Array:
        apart = np.linalg.norm(self._points[..., :2] - self._surface.centre[:2], axis=-1) / self._surface.radius
        fade: Float32Array = np.clip((_REACH - apart) / 1.2, 0, 1).astype(np.float32)
        return fade * fade * (3 - 2 * fade)
