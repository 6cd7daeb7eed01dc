"""The surface of a signed field: closed, in its place, and smoothed without loss of volume or thin walls."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.pipeline.manifold import volume
from sam3d_ros.pipeline.sam3d.cube_surface import cube_surface

RESOLUTION = 32
AXIS = (np.arange(RESOLUTION, dtype=np.float32) + 0.5) / RESOLUTION - 0.5
X, Y, Z = np.meshgrid(AXIS, AXIS, AXIS, indexing="ij")
BALL = np.sqrt(X**2 + Y**2 + Z**2) - 0.35
PLATE = np.maximum(np.maximum(np.abs(X), np.abs(Y)) - 0.4, np.abs(Z) - 0.75 / RESOLUTION)
each_shape = pytest.mark.parametrize("field", [BALL, PLATE], ids=["ball", "plate"])


def extents(mesh):
    return np.ptp(mesh.vertices, axis=0)


@each_shape
def test_smoothing_keeps_the_surface_closed_and_as_thick_as_it_was(field):
    plain, smooth = cube_surface(field), cube_surface(field, smoothing=6)
    assert is_watertight(smooth)
    sizes = [volume(mesh.vertices.astype(float), mesh.triangles.astype(np.int64)) for mesh in (plain, smooth)]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)
    np.testing.assert_allclose(extents(smooth), extents(plain), rtol=0.12)  # a rim may gain a little


def test_smoothing_takes_steps_away():
    terraces = np.where(BALL < 0, np.float32(-0.5), np.float32(0.5))
    off = [
        np.abs(np.linalg.norm(cube_surface(terraces, smoothing=rounds).vertices, axis=1) - 0.35).std()
        for rounds in (0, 6)
    ]
    assert off[1] < 0.7 * off[0]


def test_an_empty_cube_has_no_surface():
    with pytest.raises(ValueError, match="no voxel"):
        cube_surface(np.ones((4, 4, 4), np.float32))
