"""Nearest samples: the quick products against plain distances."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.pipeline.surface_model import SurfaceModel, lookup_of, nearest_columns, nearest_distances

SIDE = SurfaceModel(box_mesh(np.array([0.15, 0.1, 0.08]), color=np.full(3, 128.0))).visible_side(
    np.array([0.3, 0.4, 0.5])
)


def distances_to(x: np.ndarray, points: np.ndarray) -> np.ndarray:
    """[M, N] of x [M, 3] and points [N, 3]."""
    return np.linalg.norm(x[:, None] - points, axis=2)


@pytest.mark.parametrize("count", [0, 1, 7, 100, 101, 400])
def test_the_nearest_sample_is_the_one_of_plain_distances(count):
    x = np.random.default_rng(count).uniform(-0.1, 0.1, (count, 3))
    distances = distances_to(x, SIDE.points)
    found = distances[np.arange(count), SIDE.nearest(x)]
    assert np.allclose(found, distances.min(axis=1, initial=np.inf), atol=2e-5)


def test_many_tables_are_searched_side_by_side():
    rng = np.random.default_rng(0)
    x, points = rng.uniform(-0.1, 0.1, (3, 50, 3)), rng.uniform(-0.1, 0.1, (3, 80, 3))
    lookup = np.array([lookup_of(table) for table in points])
    index = nearest_columns(x.transpose(0, 2, 1), lookup)
    nearest = nearest_distances(x.transpose(0, 2, 1), lookup)
    for i in range(3):
        distances = distances_to(x[i], points[i])
        assert np.allclose(distances[np.arange(50), index[i]], distances.min(axis=1), atol=2e-5)
        assert np.allclose(nearest[i], distances.min(axis=1), atol=5e-5)
