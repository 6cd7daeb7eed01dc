"""Organised clouds in every byte layout that drivers use."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.geometry.cloud import CloudField, CloudLayout, cloud_to_pointmap
from sam3d_ros.geometry.pointmap import PointmapError

CAMERA = PinholeCamera(5, 4, 10.0, 10.0, 2.0, 1.5)
FLOAT32, FLOAT64, UINT8 = 7, 8, 2


def points():
    xyz = np.random.default_rng(0).uniform(0.2, 2.0, (4, 5, 3)).astype(np.float32)
    xyz[1, 2] = np.nan
    return xyz


def packed(xyz, *, code="<f4", step=16, offsets=(0, 4, 8), row_padding=0, order=(0, 1, 2)):
    """Bytes and layout of the points; gaps are filled with rubbish, as real buffers may be."""
    height, width = xyz.shape[:2]
    row_step = step * width + row_padding
    data = np.random.default_rng(1).integers(0, 256, height * row_step).astype(np.uint8)
    for axis, offset in zip(order, offsets, strict=True):
        np.ndarray((height, width), code, data.data, offset, (row_step, step))[:] = xyz[..., axis]
    datatype = FLOAT32 if code.endswith("4") else FLOAT64
    fields = [CloudField("xyz"[axis], offset, datatype) for axis, offset in zip(order, offsets, strict=True)]
    layout = CloudLayout(height, width, step, row_step, [*fields, CloudField("rgb", 12, FLOAT32)], code[0] == ">")
    return data.tobytes(), layout


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"step": 12},
        {"step": 32, "offsets": (4, 8, 20)},
        {"step": 13, "offsets": (1, 5, 9)},
        {"row_padding": 7},
        {"code": ">f4"},
        {"code": "<f8", "step": 24, "offsets": (0, 8, 16)},
        {"code": ">f8", "step": 40, "offsets": (16, 24, 32), "row_padding": 64},
        {"order": (2, 0, 1)},
    ],
)
def test_every_layout_gives_the_same_pointmap(how):
    data, layout = packed(points(), **how)
    for buffer in (data, bytearray(data), memoryview(data), np.frombuffer(data, np.uint8)):
        pointmap = cloud_to_pointmap(buffer, layout, CAMERA)
        assert pointmap.dtype == np.float32
        assert pointmap.dtype.isnative
        np.testing.assert_array_equal(pointmap, points())


@pytest.mark.parametrize("bad", [(0, 0, 0), (1, 1, -1), (np.inf, 1, 1), (1, np.nan, 1), (1, 1, np.inf)])
def test_points_that_measured_nothing_become_nan(bad):
    xyz = points()
    xyz[3, 4] = bad
    pointmap = cloud_to_pointmap(*packed(xyz), CAMERA)
    assert np.isnan(pointmap[3, 4]).all()
    assert np.isfinite(pointmap).all(axis=-1).sum() == 4 * 5 - 2


def test_depth_limits_hold_for_clouds_too():
    pointmap = cloud_to_pointmap(*packed(points()), CAMERA, min_depth=0.5, max_depth=1.5)
    expected = (points()[..., 2] >= 0.5) & (points()[..., 2] <= 1.5)
    np.testing.assert_array_equal(np.isfinite(pointmap[..., 2]), expected)
    assert 0 < expected.sum() < 19


def test_unorganised_clouds_are_refused():
    data, layout = packed(points().reshape(1, 20, 3))
    with pytest.raises(PointmapError, match="not organised"):
        cloud_to_pointmap(data, layout, CAMERA)


def test_clouds_of_another_size_are_refused_with_both_sizes():
    data, layout = packed(points()[:, :4])
    with pytest.raises(PointmapError, match=r"4 rows of 4 points.*4 rows of 5 pixels"):
        cloud_to_pointmap(data, layout, CAMERA)


@pytest.mark.parametrize(
    "changes",
    [{"row_step": 79}, {"point_step": 11}, {"row_step": 4000}, {"row_step": -80}],
    ids=["rows overlap", "field outside its point", "buffer too short", "negative step"],
)
def test_layouts_that_contradict_themselves_are_refused(changes):
    data, layout = packed(points())
    values = {name: getattr(layout, name) for name in ("height", "width", "point_step", "row_step", "fields")}
    with pytest.raises(PointmapError, match="layout"):
        cloud_to_pointmap(data, CloudLayout(**{**values, **changes}), CAMERA)


def test_missing_and_integer_coordinates_are_refused():
    data, layout = packed(points())
    with pytest.raises(PointmapError, match="no field 'z'"):
        cloud_to_pointmap(data, CloudLayout(4, 5, 16, 80, layout.fields[:2]), CAMERA)
    with pytest.raises(PointmapError, match="FLOAT32 or FLOAT64"):
        cloud_to_pointmap(data, CloudLayout(4, 5, 16, 80, [CloudField(n, 0, UINT8) for n in "xyz"]), CAMERA)
