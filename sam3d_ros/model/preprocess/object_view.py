"""All that a model with a view-aligned cube reads of an object, made alike for training and on a robot."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .cube import ViewCubes, view_cubes
from .observed import observe
from .view import camera_points, view_inputs


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Colour, depth and masks of B objects, each from a camera of its own."""

    color: Tensor  # [B, 3, H, W] 0-1
    depth: Tensor  # [B, H, W] m along z, 0 = none
    mask: Tensor  # [B, H, W] bool
    intrinsics: Tensor  # [B, 4] fx, fy, cx, cy in pixels


@dataclass(frozen=True, slots=True, eq=False)
class ObjectViews:
    """B objects as the model sees them."""

    crop: Picture  # what stage 2 looks up pixels in
    cubes: ViewCubes
    inputs: dict[str, Tensor]  # as `ConditionEmbedder` names them: colours and masks 0-1, pointmaps in cube coordinates
    observed: Tensor  # [B, R, R, R] uint8, states of the cube's voxels


def object_views(crop: Picture, coarse: Picture, *, size: int, resolution: int = 64) -> ObjectViews:
    """Cubes, inputs of `size` pixels and observed volumes, of a crop around each object and of its whole frame.

    Both pictures are in one optical frame; the cube and the observed volume follow from the crop alone.
    """
    cubes = view_cubes(crop.depth, crop.mask, crop.intrinsics)
    inputs = {**_inputs(crop, cubes, size, crop=True), **_inputs(coarse, cubes, size, crop=False)}
    _, observed = observe(cubes, crop.depth, crop.mask, crop.intrinsics, resolution=resolution)
    return ObjectViews(crop, cubes, inputs, observed)


def _inputs(picture: Picture, cubes: ViewCubes, size: int, *, crop: bool) -> dict[str, Tensor]:
    points = camera_points(picture.depth, picture.intrinsics)
    p_cube = cubes.to_cube(points.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, points.shape[2:])
    made = view_inputs(picture.color, picture.mask[:, None].float(), p_cube, size=size)
    if crop:
        return {"image": made.image, "mask": made.mask, "pointmap": made.pointmap}
    return {"rgb_image": made.image, "rgb_image_mask": made.mask, "rgb_pointmap": made.pointmap}
