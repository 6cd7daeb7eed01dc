"""From an image, a mask and a pointmap to everything that the embedders read."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from .boxes import PreprocessError, object_box
from .normaliser import PointmapSpace, mark_invalid, normalise, pointmap_space
from .pixels import crop, pad_to_square, resize_colour, resize_nearest


@dataclass(frozen=True, slots=True, eq=False)
class ModelInputs:
    """One object as the model sees it, S = the embedders' image size; `rgb_` marks the full image, the rest is a crop.

    Outside the image is 0 everywhere; a hole of the sensor is NaN. The pointmaps are in the SSI space of `space`; all
    three are None without a depth camera.
    """

    image: Tensor  # [1, 3, S, S] colour 0-1
    mask: Tensor  # [1, 1, S, S] 0-1
    rgb_image: Tensor  # [1, 3, S, S]
    rgb_image_mask: Tensor  # [1, 1, S, S]
    pointmap: Tensor | None  # [1, 3, S, S] square padding is NaN
    rgb_pointmap: Tensor | None  # [1, 3, S, S] square padding is 0
    space: PointmapSpace | None

    def by_name(self) -> dict[str, Tensor]:
        """What is there for the embedders, as they name it."""
        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "space"}
        return {name: value for name, value in named.items() if value is not None}

    @property
    def pointmap_scale(self) -> Tensor | None:
        """[1, 3]"""
        return None if self.space is None else self.space.scale[None]

    @property
    def pointmap_shift(self) -> Tensor | None:
        """[1, 3] PyTorch3D camera axes"""
        return None if self.space is None else self.space.shift[None]


def colour_image(color: Tensor) -> Tensor:
    """8-bit colour [H, W, 3] as [3, H, W] float32, 0-1."""
    return (color.permute(2, 0, 1).to(torch.float64) / 255).to(torch.float32)


def model_inputs(image: Tensor, mask: Tensor, pointmap: Tensor | None, *, size: int) -> ModelInputs:
    """All inputs of one object at `size` pixels, on the device of what comes in.

    `image` [3, H, W] colour 0-1, `mask` [1, H, W] 0-1 and not binarised here, `pointmap` [3, H, W] in PyTorch3D camera
    axes with NaN where nothing was measured; one of another size is brought to the image's by the nearest pixel. Raises
    PreprocessError where `object_box` does, and for a mask of another size than the image.
    """
    if mask.shape[-2:] != image.shape[-2:]:
        raise PreprocessError(f"a mask of {_size(mask)} for an image of {_size(image)} pixels; give one of its size")
    box = object_box(mask)
    inputs = ModelInputs(
        image=resize_colour(pad_to_square(crop(image, box)), size)[None],
        mask=resize_nearest(pad_to_square(crop(mask, box)), size, size)[None],
        rgb_image=resize_colour(pad_to_square(image), size)[None],
        rgb_image_mask=resize_nearest(pad_to_square(mask), size, size)[None],
        pointmap=None,
        rgb_pointmap=None,
        space=None,
    )
    if pointmap is None:
        return inputs
    points = mark_invalid(pointmap)
    if points.shape[-2:] != image.shape[-2:]:
        points = resize_nearest(points, *image.shape[-2:])
    space = pointmap_space(points, mask)
    points = normalise(points, space)
    cut = pad_to_square(crop(points, box), fill=torch.nan)
    return replace(
        inputs,
        pointmap=resize_nearest(cut, size, size)[None],
        rgb_pointmap=resize_nearest(pad_to_square(points), size, size)[None],
        space=space,
    )


def _size(image: Tensor) -> str:
    return f"{image.shape[-2]} x {image.shape[-1]}"
