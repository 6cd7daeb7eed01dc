"""Which objects look alike after a turn, and the one frame that is chosen of several."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from sam3d_ros.training.data.targets import DistanceVolumes
from sam3d_ros.training.stages.symmetry import ANY, settled, symmetry_orders


def volume(distance, half=(0.06, 0.06, 0.06)) -> DistanceVolumes:
    """Of a function of x, y, z in metres."""
    axes = [np.linspace(-h, h, 64) for h in half]
    values = distance(*np.meshgrid(*axes, indexing="ij"))
    levels = np.rint(127 * np.clip(values / 0.014, -1, 1)).astype(np.int8)
    high = torch.tensor([half], dtype=torch.float32)
    return DistanceVolumes(torch.from_numpy(levels)[None], -high, high, torch.tensor([0.014]))


def box(a, b, c):
    return lambda x, y, z: np.maximum.reduce([abs(x) - a, abs(y) - b, abs(z) - c])


def cylinder(x, y, z):
    return np.maximum(np.hypot(x, y) - 0.04, abs(z) - 0.05)


def mug(x, y, z):
    return np.minimum(cylinder(x, y, z), box(0.012, 0.008, 0.03)(x - 0.047, y, z))


@pytest.mark.parametrize(
    ("shape", "order"),
    [(cylinder, ANY), (box(0.04, 0.04, 0.02), 4), (box(0.05, 0.03, 0.02), 2), (mug, 1)],
    ids=["cylinder", "square box", "box", "mug"],
)
def test_the_order_is_that_of_the_solid(shape, order):
    assert symmetry_orders(volume(shape)).tolist() == [order]


def turns(count):
    return torch.from_numpy(Rotation.random(count, rng=np.random.default_rng(1)).as_matrix()).float()


def about_z(degrees):
    return torch.from_numpy(Rotation.from_euler("z", degrees, degrees=True).as_matrix()).float()


@pytest.mark.parametrize("order", [2, 3, 4])
def test_poses_that_look_alike_come_out_as_one(order):
    rotations, orders = turns(8), torch.full((8,), order)
    alike = rotations @ about_z(360 / order)
    torch.testing.assert_close(settled(alike, orders), settled(rotations, orders), atol=1e-5, rtol=0)


def test_a_body_of_revolution_keeps_its_axis_and_turns_x_towards_the_camera():
    rotations, orders = turns(8), torch.full((8,), ANY)
    made = settled(rotations, orders)
    torch.testing.assert_close(made[:, :, 2], rotations[:, :, 2])
    torch.testing.assert_close(settled(rotations @ about_z(77), orders), made, atol=1e-5, rtol=0)
    assert (made[:, 2, 0] < 0).all()  # x of the object has a part along -z of the cube, where the camera is
    assert made[:, 2, 1].abs().max() < 1e-5  # and y has none


def test_an_object_without_symmetry_stays_as_it_is():
    rotations = turns(4)
    assert torch.equal(settled(rotations, torch.ones(4, dtype=torch.long)), rotations)
