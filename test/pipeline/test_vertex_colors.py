"""Colours that are spread from seen vertices to others."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.pipeline.vertex_colors import spread_to_unseen

POINTS = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [2.1, 0, 0], [9, 0, 0]])
COLORS = np.array([[10, 0, 0], [20, 0, 0], [30, 0, 0], [99, 99, 99], [99, 99, 99]], np.uint8)
SEEN = np.array([True, True, True, False, False])


def test_a_hidden_vertex_takes_the_nearest_seen_colour_and_seen_ones_keep_theirs():
    spread = spread_to_unseen(POINTS, COLORS, SEEN)
    np.testing.assert_array_equal(spread[:, 0], [10, 20, 30, 30, 30])
    assert COLORS[3, 0] == 99  # what came in is as it was


def test_of_several_neighbours_it_takes_the_mean():
    spread = spread_to_unseen(POINTS, COLORS, SEEN, neighbours=2)
    np.testing.assert_array_equal(spread[3:, 0], [25, 25])
    np.testing.assert_array_equal(spread_to_unseen(POINTS, COLORS, SEEN, neighbours=9)[3:, 0], [20, 20])


def test_without_a_seen_vertex_there_is_nothing_to_spread():
    with pytest.raises(ValueError, match="none of 5"):
        spread_to_unseen(POINTS, COLORS, np.zeros(5, bool))
