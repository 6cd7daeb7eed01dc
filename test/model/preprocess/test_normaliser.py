"""SSI space of a pointmap against a slow plain reference, and in its corner cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sam3d_ros.model.preprocess import PointmapSpace, mark_invalid, normalise, pointmap_space


def lower_median(values: np.ndarray) -> float:
    """The lower of the two middle values of an even count, NaN left out."""
    known = sorted(value for value in values.reshape(-1).tolist() if not math.isnan(value))
    return known[(len(known) - 1) // 2]


def scene(seed: int = 0, height: int = 24, width: int = 31) -> tuple[torch.Tensor, torch.Tensor]:
    """A pointmap [3, H, W] with holes, and a mask [1, H, W]."""
    rng = np.random.default_rng(seed)
    points = (
        rng.normal(size=(3, height, width)).astype(np.float32) + np.array([0.1, -0.2, 1.5], np.float32)[:, None, None]
    )
    points[:, rng.random((height, width)) < 0.2] = np.nan
    mask = np.zeros((1, height, width), np.float32)
    mask[:, 6:15, 8:20] = 1
    return torch.from_numpy(points), torch.from_numpy(mask)


@pytest.mark.parametrize("seed", range(6))
def test_shift_and_scale_are_lower_medians_of_object_and_scene(seed):
    points, mask = scene(seed)
    space = pointmap_space(points, mask)
    values = points.numpy()
    shift = [lower_median(values[axis][mask[0].numpy() > 0.5]) for axis in range(3)]
    np.testing.assert_array_equal(space.shift.numpy(), np.array(shift, np.float32))
    reach = np.abs(values - space.shift.numpy()[:, None, None]).max(axis=0)
    assert space.scale.tolist() == [pytest.approx(lower_median(reach), rel=0)] * 3


def test_the_scale_comes_from_the_whole_scene_and_from_the_largest_coordinate():
    points = torch.zeros(3, 4, 4)
    points[0] = 3.0  # all scene pixels are 3 away along x, and 2 along y
    points[1] = -2.0
    points[:, 0, 0] = 0.0
    mask = torch.zeros(1, 4, 4)
    mask[:, 0, 0] = 1
    space = pointmap_space(points, mask)
    assert space.shift.tolist() == [0, 0, 0]
    assert space.scale.tolist() == [3, 3, 3]


def test_normalised_points_come_back_by_scale_and_shift():
    points, mask = scene()
    space = pointmap_space(points, mask)
    back = normalise(points, space) * space.scale[:, None, None] + space.shift[:, None, None]
    torch.testing.assert_close(back, points, equal_nan=True, rtol=1e-5, atol=1e-6)


def test_normalising_is_the_product_with_the_inverse_matrix():
    points, mask = scene()
    space = pointmap_space(points, mask)
    matrix = np.eye(4)
    matrix[:3, :3] *= float(space.scale[0])
    matrix[:3, 3] = space.shift
    homogeneous = np.concatenate([points.reshape(3, -1).double().numpy(), np.ones((1, 24 * 31))])
    expected = (np.linalg.inv(matrix) @ homogeneous)[:3].reshape(3, 24, 31)
    np.testing.assert_allclose(normalise(points, space).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_a_point_with_one_unknown_coordinate_becomes_unknown_in_all():
    points = torch.ones(3, 2, 2)
    points[1, 0, 1] = torch.nan
    space = PointmapSpace(torch.full((3,), 2.0), torch.zeros(3))
    assert torch.isnan(normalise(points, space)).all(dim=0).tolist() == [[False, True], [False, False]]


def test_infinite_points_become_unknown_in_all_coordinates():
    points = torch.ones(3, 2, 2)
    points[2, 1, 0] = torch.inf
    assert torch.isnan(mark_invalid(points)).all(dim=0).tolist() == [[False, False], [True, False]]
    assert torch.isfinite(points[:2]).all(), "the input was changed"


def test_an_object_without_a_finite_point_stays_in_the_camera_s_space():
    points, mask = scene()
    points[:, mask[0] > 0.5] = torch.nan
    space = pointmap_space(points, mask)
    assert space.scale.tolist() == [1, 1, 1]
    assert space.shift.tolist() == [0, 0, 0]


def test_a_mask_of_another_size_is_brought_to_the_pointmap_s():
    points, mask = scene()
    doubled = mask.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2)
    for one, other in zip(pointmap_space(points, mask), pointmap_space(points, doubled), strict=True):
        assert torch.equal(one, other)


def test_mask_values_up_to_a_half_are_not_the_object():
    points, mask = scene()
    soft = mask.clone()
    soft[:, :3] = 0.5
    assert torch.equal(pointmap_space(points, soft).shift, pointmap_space(points, mask).shift)
