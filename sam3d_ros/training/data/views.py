"""One view of one object: what the camera gives, and where the object truly is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...geometry import PinholeCamera
from .arranging import Placed, SceneKind, arrange, hovering
from .casting import Hits, RayScene
from .mask_flaws import draw_mask_flaws, spoil
from .poses import apply, inverse
from .sensing import draw_sensor, expose, measure_depth
from .shading import Lamps, draw_lamps, shade
from .store import ObjectStore
from .viewing import COARSE, CROP, Stand, coarse_camera, crop_camera, draw_stand, in_frame, rays

SPOILT, VISIBLE, AMODAL = 1, 2, 4  # bits of the mask image
LEAST_PIXELS = 120  # visible pixels of the crop without which a view is not kept
TRIES = 12


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A sample. Frames: `cam` is the optical frame of the 640x480 camera, shared by crop and coarse view."""

    color: NDArray[np.uint8]  # [160, 160, 3] sRGB
    depth_mm: NDArray[np.uint16]  # [160, 160] measured, 0 = none
    masks: NDArray[np.uint8]  # [160, 160] bits SPOILT (what a network would give), VISIBLE and AMODAL (truth)
    crop: NDArray[np.float32]  # [4] fx, fy, cx, cy of the crop
    coarse_color: NDArray[np.uint8]  # [60, 80, 3]
    coarse_depth_mm: NDArray[np.uint16]  # [60, 80]
    coarse_mask: NDArray[np.uint8]  # [60, 80] the spoilt mask
    coarse: NDArray[np.float32]  # [4] fx, fy, cx, cy of the coarse view
    T_cam_obj: NDArray[np.float32]  # [4, 4]
    up_cam: NDArray[np.float32]  # [3] unit, against gravity
    object_id: str
    visible: float  # share of the object's pixels that nothing hides
    kind: SceneKind
    seed: int
    jpeg: int  # quality at which the colours are kept


def scene_views(store: ObjectStore, ids: list[str], kind: SceneKind, seed: int, count: int) -> Iterator[View]:
    """Up to `count` views of one scene, each with its own target, camera and sensor; fewer where none can be found."""
    rng = np.random.default_rng([11, seed])
    scene = arrange(store, ids, kind, rng)
    lamps, plain = draw_lamps(rng), RayScene(scene)
    for number in range(count):
        own = np.random.default_rng([13, seed, number])
        for _ in range(TRIES):
            view = _try_view(store, ids, plain, lamps, own, seed)
            if view is not None:
                yield view
                break


def _try_view(
    store: ObjectStore, ids: list[str], plain: RayScene, lamps: Lamps, rng: Generator, seed: int
) -> View | None:
    scene = plain.scene
    number = int(rng.integers(len(scene.placed)))
    target = scene.placed[number]
    stand = draw_stand(scene, target.T_world_obj[:3, 3], rng)
    crop = crop_camera(stand, target.object.mesh.vertices, target.T_world_obj, rng)
    if crop is None:
        return None
    if scene.kind is SceneKind.CLUTTER and rng.random() < 0.3:
        plain = RayScene(scene, (_occluder(store, ids, target, stand, rng),))
    hits = plain.cast(rays(crop), stand.T_world_cam)
    inside = in_frame(crop, stand)
    visible = (hits.owner == number).reshape(CROP, CROP) & inside
    amodal = visible | _hidden(target, hits.owner != number, crop, stand)
    share = float(visible.sum() / max(amodal.sum(), 1))
    if visible.sum() < LEAST_PIXELS or share < 0.12:
        return None
    return _finish(_Shot(plain, lamps, stand, crop, target, hits, visible, amodal & inside, inside, share), rng, seed)


@dataclass(frozen=True, slots=True, eq=False)
class _Shot:
    """A view that is good, before the sensor."""

    rays: RayScene
    lamps: Lamps
    stand: Stand
    crop: PinholeCamera
    target: Placed
    hits: Hits
    visible: NDArray[np.bool_]
    amodal: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    share: float


def _finish(shot: _Shot, rng: Generator, seed: int) -> View:
    scene, stand = shot.rays.scene, shot.stand
    sensor, flaws = draw_sensor(scene.kind, rng), draw_mask_flaws(scene.kind, rng)
    eye = stand.T_world_cam[:3, 3]
    shaded = shade(shot.rays, shot.hits, (CROP, CROP), shot.lamps, eye, rng)
    scale = shot.crop.fx / stand.camera.fx
    near, far = sensor.at(scale), sensor.at(1 / COARSE)
    color = np.where(shot.inside[..., None], expose(shaded, near, rng), 0).astype(np.uint8)
    depth = measure_depth(shot.hits.depth.reshape(CROP, CROP), shaded, shot.crop.fx, near, rng)
    spoilt = spoil(shot.visible, flaws, scale, rng) & shot.inside
    wide = coarse_camera(stand)
    size = (wide.height, wide.width)
    hits = shot.rays.cast(rays(wide), stand.T_world_cam)
    dim = shade(shot.rays, hits, size, shot.lamps, eye, rng)
    T_cam_obj = inverse(stand.T_world_cam) @ shot.target.T_world_obj
    return View(
        color=color,
        depth_mm=np.where(shot.inside, depth, 0).astype(np.uint16),
        masks=(SPOILT * spoilt + VISIBLE * shot.visible + AMODAL * shot.amodal).astype(np.uint8),
        crop=_four(shot.crop),
        coarse_color=expose(dim, far, rng),
        coarse_depth_mm=measure_depth(hits.depth.reshape(size), dim, wide.fx, far, rng),
        coarse_mask=_coarse_mask(spoilt, shot.crop, wide),
        coarse=_four(wide),
        T_cam_obj=T_cam_obj.astype(np.float32),
        up_cam=stand.T_world_cam[2, :3].astype(np.float32),
        object_id=shot.target.object.record.id,
        visible=shot.share,
        kind=scene.kind,
        seed=seed,
        jpeg=sensor.jpeg,
    )


def _hidden(target: Placed, where: NDArray[np.bool_], crop: PinholeCamera, stand: Stand) -> NDArray[np.bool_]:
    """Pixels [H, W] out of `where` [H * W] that would show the object if nothing hid it."""
    directions = rays(crop)
    T_cam_obj = inverse(stand.T_world_cam) @ target.T_world_obj
    p_cam = apply(T_cam_obj, target.object.mesh.vertices)
    slopes = p_cam[:, :2] / p_cam[:, 2:]
    near = (directions[:, :2] >= slopes.min(axis=0)) & (directions[:, :2] <= slopes.max(axis=0))
    asked = np.flatnonzero(where & near.all(axis=1))
    hidden = np.zeros(len(directions), bool)
    if len(asked):
        hidden[asked] = target.object.met_by(directions[asked], T_cam_obj)
    return hidden.reshape(CROP, CROP)


def _occluder(store: ObjectStore, ids: list[str], target: Placed, stand: Stand, rng: Generator) -> Placed:
    """Another object in the air between the target and the camera, beside the line of sight."""
    eye, at = stand.T_world_cam[:3, 3], target.T_world_obj[:3, 3]
    thing = store.get(ids[int(rng.integers(len(ids)))])
    beside = stand.T_world_cam[:3, :2] @ rng.normal(0, 1, 2)
    size = 0.5 * (max(target.object.record.extents) + max(thing.record.extents)) / 2
    share = rng.uniform(0.25, 0.65)
    spot = at + share * (eye - at) + beside / np.linalg.norm(beside) * size * rng.uniform(0.5, 1.2) * (1 - 0.5 * share)
    return hovering(thing, spot, rng)


def _four(camera: PinholeCamera) -> NDArray[np.float32]:
    return np.array([camera.fx, camera.fy, camera.cx, camera.cy], np.float32)


def _coarse_mask(spoilt: NDArray[np.bool_], crop: PinholeCamera, wide: PinholeCamera) -> NDArray[np.uint8]:
    """The mask of the crop in the coarse view."""
    v, u = np.nonzero(spoilt)
    column = np.rint((u - crop.cx) / crop.fx * wide.fx + wide.cx).astype(int).clip(0, wide.width - 1)
    row = np.rint((v - crop.cy) / crop.fy * wide.fy + wide.cy).astype(int).clip(0, wide.height - 1)
    mask = np.zeros((wide.height, wide.width), np.uint8)
    mask[row, column] = 1
    return mask
