"""Splitting a label image by runs against looking at each label alone."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.pipeline import Frame
from sam3d_ros.tracking.masks import split_masks

CAMERA = PinholeCamera(32, 24, 30.0, 30.0, 16.0, 12.0)


def noisy_frame(seed: int, values: list[int]) -> Frame:
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.choice(values, size=(6, 8)), np.ones((4, 4))).astype(np.int32)
    labels[rng.random(labels.shape) < 0.05] = values[-1]
    pointmap = rng.random((24, 32, 3)).astype(np.float32)
    pointmap[rng.random((24, 32)) < 0.3] = np.nan
    return Frame(np.zeros((24, 32, 3), np.uint8), pointmap, labels, CAMERA)


@pytest.mark.parametrize("values", [[0, 1], [0, 3, 4], [1, 2], [0, 5, -3, 1 << 21]])
@pytest.mark.parametrize("seed", range(5))
def test_each_mask_has_the_pixels_and_box_of_its_label(seed, values):
    frame = noisy_frame(seed, values)
    views = split_masks(frame, points=20)
    assert sorted(views) == frame.instance_labels()
    for label, view in views.items():
        v, u = np.nonzero(frame.labels == label)
        assert view.pixels == len(u)
        assert view.box == (u.min(), v.min(), u.max(), v.max())


@pytest.mark.parametrize("seed", range(5))
def test_the_points_of_a_mask_are_finite_readings_of_it(seed):
    frame = noisy_frame(seed, [0, 3, 4])
    for label, view in split_masks(frame, points=20).items():
        own = {tuple(point) for point in frame.pointmap[frame.labels == label].astype(np.float64)}
        assert 0 < len(view.points) <= 20
        assert {tuple(point) for point in view.points} <= own


def test_points_keep_away_from_the_outline_where_there_are_enough():
    labels = np.zeros((24, 32), np.int32)
    labels[4:20, 4:28] = 7
    rows, columns = np.mgrid[:24, :32]
    pointmap = np.stack([columns, rows, np.ones_like(rows)], axis=-1).astype(np.float32)
    points = split_masks(Frame(np.zeros((24, 32, 3), np.uint8), pointmap, labels, CAMERA), points=40)[7].points
    assert points[:, 0].min() >= 6
    assert points[:, 0].max() <= 25
    assert points[:, 1].min() >= 6
    assert points[:, 1].max() <= 17


def test_an_image_of_background_has_no_masks():
    empty = Frame(
        np.zeros((24, 32, 3), np.uint8), np.zeros((24, 32, 3), np.float32), np.zeros((24, 32), np.int32), CAMERA
    )
    assert split_masks(empty, points=20) == {}


def test_a_mask_without_depth_has_no_points_and_no_middle():
    labels = np.full((24, 32), 2, np.int32)
    frame = Frame(np.zeros((24, 32, 3), np.uint8), np.full((24, 32, 3), np.nan, np.float32), labels, CAMERA)
    view = split_masks(frame, points=20)[2]
    assert len(view.points) == 0
    assert np.isnan(view.centre).all()
