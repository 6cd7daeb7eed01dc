"""Views all around an object, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....geometry import SE3, PinholeCamera
from .floor import FloorShadow
from .studio import Picture, take_picture_on_floor
from .surface import Surface


@dataclass(frozen=True, slots=True)
class Turntable:
    """A camera that goes around an upright object; the first view has the given azimuth about z."""

    views: int = 6
    size: int = 220  # pixels of one square view
    first_azimuth: float = 0.0  # rad, direction of the camera seen from the object
    elevation: float = float(np.radians(24))
    field_of_view: float = float(np.radians(26))


def seen_azimuth(T_cam_obj: SE3) -> float:
    """Direction about z in which the camera stands, seen from the object, rad."""
    camera_obj = T_cam_obj.inverse().translation_xyz
    return float(np.arctan2(camera_obj[1], camera_obj[0]))


@dataclass(frozen=True, slots=True)
class Framing:
    """What the views hold: a sphere in the object frame, metres."""

    centre: NDArray[np.float32]  # [3]
    radius: float

    @staticmethod
    def around(surfaces: Sequence[Surface]) -> Framing:
        """The sphere around the common box that holds all of them."""
        vertices = np.concatenate([surface.mesh.vertices for surface in surfaces])
        centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        return Framing(centre, float(np.linalg.norm(vertices - centre, axis=1).max()))


def turntable_strip(surface: Surface, table: Turntable, framing: Framing | None = None) -> NDArray[np.uint8]:
    """Views of a surface next to each other, [size, views * size, 4] sRGB with cover.

    Strips with the same `framing` show the same place at the same size; without it the surface fills its views.
    """
    framing = framing or Framing.around([surface])
    angles = table.first_azimuth + 2 * np.pi * np.arange(table.views) / table.views
    floor = FloorShadow(surface)
    views = [_view(surface, floor, framing=framing, azimuth=float(angle), table=table) for angle in angles]
    return np.concatenate([view.rgba() for view in views], axis=1)


def _view(surface: Surface, floor: FloorShadow, *, framing: Framing, azimuth: float, table: Turntable) -> Picture:
    focal = table.size / 2 / np.tan(table.field_of_view / 2)
    middle = (table.size - 1) / 2
    camera = PinholeCamera(table.size, table.size, focal, focal, middle, middle)
    distance = 1.2 * framing.radius / np.sin(table.field_of_view / 2)
    pose = orbit_pose(framing.centre, azimuth=azimuth, elevation=table.elevation, distance=distance)
    return take_picture_on_floor(surface, pose, camera, floor=floor)


def orbit_pose(centre: NDArray[np.floating], *, azimuth: float, elevation: float, distance: float) -> SE3:
    """T_cam_obj of a camera at that direction and distance from a centre in the object frame, z up, looking at it."""
    outward = np.array(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)], np.float64
    )
    right = np.array([-np.sin(azimuth), np.cos(azimuth), 0.0])
    down = np.cross(-outward, right)
    rotation = np.stack([right, down, -outward])
    return SE3.from_rotation(rotation, -rotation @ (np.asarray(centre, np.float64) + distance * outward))
