"""Contact sheets: objects from several sides, views with their depth, masks and the truth drawn over them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ...geometry import PinholeCamera
from .arranging import Placed, Scene, SceneKind
from .casting import RayScene
from .objects import StoredObject
from .poses import apply, pose
from .shading import Lamps, shade
from .store import ObjectStore
from .viewing import rays
from .views import AMODAL, SPOILT, VISIBLE, View

SIDE = 112
Picture = NDArray[np.uint8]


def object_sheet(objects: Sequence[StoredObject], *, columns: int = 4, sides: int = 3) -> Image.Image:
    """Each object from `sides` directions, with its name."""
    tiles = [np.concatenate([portrait(thing, k, sides) for k in range(sides)], axis=1) for thing in objects]
    return _grid(tiles, [f"{t.record.id} {100 * max(t.record.extents):.0f}" for t in objects], columns)


def portrait(thing: StoredObject, number: int, sides: int) -> Picture:
    """The object on grey, from the front above, around it, and the last from below."""
    size = float(np.linalg.norm(thing.record.extents))
    turn, lift = 0.5 + number * 2.1, -0.5 if number == sides - 1 else (0.45, 1.0)[number % 2]
    direction = np.array([np.cos(lift) * np.cos(turn), np.cos(lift) * np.sin(turn), np.sin(lift)])
    z = -direction
    x = np.cross(z, [0, 0, 1.0])
    x /= np.linalg.norm(x)
    T_world_cam = pose(np.stack([x, np.cross(z, x), z], axis=1), 3 * size * direction)
    camera = PinholeCamera(SIDE, SIDE, SIDE * 2.9, SIDE * 2.9, (SIDE - 1) / 2, (SIDE - 1) / 2)
    scene = RayScene(Scene(SceneKind.ISOLATED, (Placed(thing, np.eye(4), np.ones(3)),), (), (0, 0), (0, 0)))
    hits = scene.cast(rays(camera), T_world_cam)
    eye = T_world_cam[:3, 3]
    white = np.ones(3)
    lamps = Lamps(eye + 0.6 * x + [0, 0, 0.8], 0.2, 0.8 * white, x, 0.1 * white, 0.45 * white)
    light = shade(scene, hits, (SIDE, SIDE), lamps, eye, np.random.default_rng(0)).color
    light[(hits.owner < 0).reshape(SIDE, SIDE)] = 0.75
    picture: Picture = np.rint(255 * np.clip(light, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    return picture


def view_sheet(views: Sequence[View], store: ObjectStore, *, columns: int = 2) -> Image.Image:
    """Colour with the truth as dots, colour with the outline of the spoilt mask, depth, masks, the coarse view."""
    tiles = [np.concatenate(_panels(view, store.get(view.object_id)), axis=1) for view in views]
    return _grid(tiles, [f"{v.object_id} {v.kind.name.lower()} {v.visible:.2f}" for v in views], columns)


def _panels(view: View, thing: StoredObject) -> list[Picture]:
    spoilt = (view.masks & SPOILT) > 0
    border = (spoilt ^ np.roll(spoilt, 1, 0)) | (spoilt ^ np.roll(spoilt, 1, 1))
    outlined = np.where(border[..., None], np.array([255, 0, 0], np.uint8), view.color)
    masks = np.stack([((view.masks & bit) > 0) * np.uint8(255) for bit in (SPOILT, VISIBLE, AMODAL)], axis=-1)
    wide = np.kron(view.coarse_color, np.ones((2, 2, 1), np.uint8))
    coarse = np.zeros_like(view.color)
    coarse[:120, :160] = wide
    return [_dotted(view, thing), outlined, depth_picture(view), masks, coarse]


def _dotted(view: View, thing: StoredObject) -> Picture:
    """The picture with surface points that face the camera, where the truth says they are."""
    T = view.T_cam_obj.astype(float)
    points, normals = thing.surface[0][:500], thing.surface[1][:500] / 127.0
    p_cam, n_cam = apply(T, points), normals @ T[:3, :3].T
    near = (p_cam * n_cam).sum(axis=1) < 0
    u, v = (p_cam[near, k] / p_cam[near, 2] * view.crop[k] + view.crop[2 + k] for k in (0, 1))
    picture: Picture = view.color.copy()
    inside = (u > 0) & (u < picture.shape[1] - 1) & (v > 0) & (v < picture.shape[0] - 1)
    picture[np.rint(v[inside]).astype(int), np.rint(u[inside]).astype(int)] = (0, 255, 0)
    return picture


def depth_picture(view: View) -> Picture:
    """Near is bright, over the range of the object; no depth is blue."""
    known = view.depth_mm > 0
    on = known & ((view.masks & VISIBLE) > 0)
    low, high = np.quantile(view.depth_mm[on], [0.02, 0.98]) if on.any() else (400, 1200)
    low, high = low - 30, high + 80
    grey = 255 * (1 - np.clip((view.depth_mm.astype(float) - low) / (high - low), 0, 1))
    grey = np.where(known, grey, 0)
    picture: Picture = np.stack([grey, grey, np.where(known, grey, 110)], axis=-1).astype(np.uint8)
    return picture


def _grid(tiles: list[Picture], names: list[str], columns: int) -> Image.Image:
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * width, rows * (height + 12)), (20, 20, 20))
    pen = ImageDraw.Draw(sheet)
    for number, (tile, name) in enumerate(zip(tiles, names, strict=True)):
        x, y = number % columns * width, number // columns * (height + 12)
        sheet.paste(Image.fromarray(tile), (x, y + 12))
        pen.text((x + 2, y), name, fill=(240, 240, 240))
    return sheet
