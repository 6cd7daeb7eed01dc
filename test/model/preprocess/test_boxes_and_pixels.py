"""Crop, padding and resizing against slow plain references."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sam3d_ros.model.preprocess import (
    Box,
    PreprocessError,
    crop,
    object_box,
    pad_to_square,
    resize_colour,
    resize_nearest,
)


def mask_of(height: int, width: int, rows: tuple[int, int], columns: tuple[int, int]) -> torch.Tensor:
    """A mask [1, H, W] that is 1 in these rows and columns, last ones included."""
    mask = torch.zeros(1, height, width)
    mask[:, rows[0] : rows[1] + 1, columns[0] : columns[1] + 1] = 1
    return mask


def test_the_box_is_a_fifth_larger_than_the_longer_difference_of_indices():
    # 10..30 differ by 20, so the side is int(20 * 1.2) = 24 and its half 12, around 20 and around (40 + 45) / 2.
    assert object_box(mask_of(100, 100, (40, 45), (10, 30))) == Box(8, 30, 32, 54)


def test_corners_are_truncated_towards_zero_and_so_the_box_can_be_a_pixel_wider_than_high():
    # Around 2.5 with half a side of 3: -0.5 becomes 0 and 5.5 becomes 5; around 50 both corners are whole.
    box = object_box(mask_of(100, 100, (48, 52), (0, 5)))
    assert box == Box(0, 47, 5, 53)
    assert (box.right - box.left, box.bottom - box.top) == (5, 6)


def test_any_value_that_is_not_zero_counts_for_the_box():
    mask = mask_of(50, 50, (20, 30), (20, 30))
    mask[0, 10, 25] = 1 / 255
    assert object_box(mask).top < object_box(mask_of(50, 50, (20, 30), (20, 30))).top


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (torch.zeros(1, 20, 20), "empty"),
        (mask_of(20, 20, (5, 15), (3, 4)), "2 x 11 pixels"),
        (mask_of(20, 20, (5, 6), (3, 14)), "12 x 2 pixels"),
    ],
)
def test_masks_without_an_extent_are_refused_with_their_size(mask, words):
    with pytest.raises(PreprocessError, match=words):
        object_box(mask)


@pytest.mark.parametrize("box", [Box(2, 1, 5, 4), Box(-3, -2, 4, 3), Box(4, 3, 12, 11), Box(-2, -2, 9, 9)])
@pytest.mark.parametrize("fill", [0.0, float("nan")])
def test_a_crop_equals_looking_up_each_pixel(box, fill):
    image = torch.arange(2 * 6 * 7, dtype=torch.float32).reshape(2, 6, 7)
    expected = np.full((2, box.bottom - box.top, box.right - box.left), fill, np.float32)
    for v in range(box.top, box.bottom):
        for u in range(box.left, box.right):
            if 0 <= v < 6 and 0 <= u < 7:
                expected[:, v - box.top, u - box.left] = image[:, v, u]
    np.testing.assert_array_equal(crop(image, box, fill=fill).numpy(), expected)


@pytest.mark.parametrize(("height", "width", "top", "left"), [(4, 7, 1, 0), (7, 4, 0, 1), (3, 8, 2, 0), (5, 5, 0, 0)])
def test_the_larger_half_of_an_odd_padding_lies_right_and_below(height, width, top, left):
    square = pad_to_square(torch.ones(1, height, width), fill=5.0)
    side = max(height, width)
    assert square.shape == (1, side, side)
    inside = square[:, top : top + height, left : left + width]
    assert torch.equal(inside, torch.ones(1, height, width))
    assert int((square == 5).sum()) == side * side - height * width


def test_nearest_takes_the_pixel_at_the_truncated_position():
    image = torch.rand(3, 37, 23)
    small = resize_nearest(image, 14, 31)
    rows = (np.arange(14) * 37 / 14).astype(int)
    columns = (np.arange(31) * 23 / 31).astype(int)
    assert torch.equal(small, image[:, rows][:, :, columns])


def triangle_weights(old: int, new: int) -> np.ndarray:
    """Weights [new, old] of antialiased bilinear resizing: a triangle as wide as a new pixel, or as an old one."""
    scale = old / new
    reach = max(scale, 1.0)
    centres = (np.arange(new) + 0.5) * scale
    weights = np.maximum(0, 1 - np.abs(np.arange(old) + 0.5 - centres[:, None]) / reach)
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("old", [9, 28, 61])
def test_colour_is_resized_by_a_triangle_filter(old):
    image = torch.rand(3, old, old)
    weights = triangle_weights(old, 28)
    expected = np.einsum("ij,cjk,lk->cil", weights, image.numpy().astype(np.float64), weights)
    np.testing.assert_allclose(resize_colour(image, 28).numpy(), expected, atol=2e-6)


def test_resizing_to_the_same_size_changes_nothing():
    image = torch.rand(3, 28, 28)
    assert torch.equal(resize_colour(image, 28), image)
    assert torch.equal(resize_nearest(image, 28, 28), image)
