"""All inputs of one object: sizes, what lies outside, and that the steps come in the published order."""

from __future__ import annotations

import pytest
import torch

from sam3d_ros.model.preprocess import (
    PreprocessError,
    colour_image,
    crop,
    model_inputs,
    normalise,
    object_box,
    pad_to_square,
    pointmap_space,
    resize_nearest,
)

SIZE = 28
HEIGHT, WIDTH = 40, 60


def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Image, mask at the left border, and pointmap with a hole inside the mask."""
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(3, HEIGHT, WIDTH, generator=generator)
    mask = torch.zeros(1, HEIGHT, WIDTH)
    mask[:, 12:22, 0:31] = 1  # the box begins 3 pixels left of the image
    points = torch.randn(3, HEIGHT, WIDTH, generator=generator)
    points[:, 14:17, 3:7] = torch.nan
    return image, mask, points


def test_every_input_has_the_embedders_size():
    inputs = model_inputs(*scene(), size=SIZE)
    for name in ("image", "rgb_image", "pointmap", "rgb_pointmap"):
        assert getattr(inputs, name).shape == (1, 3, SIZE, SIZE), name
    for name in ("mask", "rgb_image_mask"):
        assert getattr(inputs, name).shape == (1, 1, SIZE, SIZE), name
    assert inputs.pointmap_scale.shape == inputs.pointmap_shift.shape == (1, 3)


def test_the_pointmap_is_normalised_at_its_own_resolution_before_it_is_cropped():
    image, mask, points = scene()
    inputs = model_inputs(image, mask, points, size=SIZE)
    space = pointmap_space(points, mask)
    whole = normalise(points, space)
    cut = pad_to_square(crop(whole, object_box(mask)), fill=torch.nan)
    torch.testing.assert_close(inputs.pointmap[0], resize_nearest(cut, SIZE, SIZE), rtol=0, atol=0, equal_nan=True)
    full = resize_nearest(pad_to_square(whole), SIZE, SIZE)
    torch.testing.assert_close(inputs.rgb_pointmap[0], full, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(inputs.pointmap_shift[0], space.shift)


def test_outside_the_image_the_pointmap_is_zero_and_holes_stay_unknown():
    inputs = model_inputs(*scene(), size=SIZE)
    assert (inputs.pointmap[0, :, SIZE // 2, 0] == 0).all(), "left of the image"
    assert torch.isnan(inputs.pointmap).any(), "the hole"


def test_square_padding_is_unknown_in_the_crop_and_zero_in_the_full_pointmap():
    mask = torch.zeros(1, HEIGHT, WIDTH)
    mask[:, 18:23, 0:6] = 1  # the box is one pixel higher than wide: see the test of boxes
    points = torch.rand(3, HEIGHT, WIDTH)
    inputs = model_inputs(torch.rand(3, HEIGHT, WIDTH), mask, points, size=SIZE)
    assert torch.isnan(inputs.pointmap[0, :, :, -1]).all()
    assert not torch.isnan(inputs.rgb_pointmap).any()
    assert (inputs.rgb_pointmap[0, :, 0] == 0).all()


def test_the_mask_is_not_binarised():
    image, mask, points = scene()
    soft = mask * 0.75
    inputs = model_inputs(image, soft, points, size=SIZE)
    assert set(inputs.mask.unique().tolist()) == {0.0, 0.75}


def test_without_depth_there_is_no_pointmap_and_no_space():
    image, mask, points = scene()
    inputs = model_inputs(image, mask, None, size=SIZE)
    assert inputs.pointmap is inputs.rgb_pointmap is inputs.pointmap_scale is None
    with_depth = model_inputs(image, mask, points, size=SIZE)
    assert torch.equal(inputs.image, with_depth.image)


def test_inputs_are_not_changed():
    parts = scene()
    copies = [part.clone() for part in parts]
    model_inputs(*parts, size=SIZE)
    for part, copy in zip(parts, copies, strict=True):
        torch.testing.assert_close(part, copy, rtol=0, atol=0, equal_nan=True)


def test_a_mask_without_an_extent_is_refused():
    image, mask, points = scene()
    with pytest.raises(PreprocessError, match="empty"):
        model_inputs(image, torch.zeros_like(mask), points, size=SIZE)


def test_colour_is_divided_by_255():
    color = torch.arange(256, dtype=torch.uint8).reshape(16, 16, 1).expand(16, 16, 3)
    image = colour_image(color)
    assert image.dtype == torch.float32
    assert image.shape == (3, 16, 16)
    assert image[1].reshape(-1).tolist() == pytest.approx([value / 255 for value in range(256)], rel=1e-7)


def test_a_mask_of_another_size_than_the_image_is_refused_with_both_sizes():
    image, mask = torch.zeros(3, 20, 30), torch.ones(1, 30, 20)
    with pytest.raises(PreprocessError, match="30 x 20 for an image of 20 x 30"):
        model_inputs(image, mask, None, size=56)
