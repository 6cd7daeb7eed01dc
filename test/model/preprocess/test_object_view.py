"""A robot's frame and the training's views of it make the same inputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.model.preprocess import PreprocessError
from sam3d_ros.model.preprocess.object_crop import (
    CROP,
    Window,
    coarse_color,
    coarse_picture,
    crop_picture,
    object_window,
)
from sam3d_ros.model.preprocess.object_view import Picture, object_views
from sam3d_ros.training.data.targets import DistanceVolumes
from sam3d_ros.training.stages.tables import ObjectTable
from sam3d_ros.training.stages.views import ViewTargets

CAMERA = PinholeCamera(640, 480, 600.0, 610.0, 318.0, 241.0)
SIZE = 32
BYTES = ("image", "mask", "rgb_image", "rgb_image_mask")


def picture(camera: PinholeCamera = CAMERA, *, radius: float = 50.0) -> Picture:
    """A ball before a wall, in whole bytes and millimetres as sensors and the training's files have them."""
    v, u = np.indices((camera.height, camera.width))
    off = ((u - 0.55 * camera.width) ** 2 + (v - 0.4 * camera.height) ** 2) / radius**2
    mask = off < 1
    depth = np.where(mask, 0.7 - 0.06 * np.sqrt(np.maximum(0, 1 - off)), 1.1 + 1e-4 * u)
    color = np.random.default_rng(0).integers(0, 256, (3, camera.height, camera.width))
    four = [camera.fx, camera.fy, camera.cx, camera.cy]
    return Picture(
        torch.tensor(color / 255, dtype=torch.float32)[None],
        torch.tensor(np.rint(1000 * depth) / 1000, dtype=torch.float32)[None],
        torch.tensor(mask)[None],
        torch.tensor([four], dtype=torch.float32),
    )


def in_bytes(name: str, part: Picture) -> dict[str, torch.Tensor]:
    """A picture as `StoredViews` collects it."""
    return {
        f"{name}_color": (255 * part.color.movedim(1, -1)).round().to(torch.uint8),
        f"{name}_depth": (1000 * part.depth).round().int(),
        f"{name}_mask": part.mask.to(torch.uint8),
        name: part.intrinsics,
    }


def table() -> ObjectTable:
    """One object without a shape."""
    ones = torch.ones(1, 3)
    volumes = DistanceVolumes(torch.ones(1, 4, 4, 4, dtype=torch.int8), -ones, ones, torch.ones(1))
    return ObjectTable(volumes, ones, torch.ones(1, dtype=torch.long))


def test_training_and_robot_see_an_object_alike():
    frame = picture()
    window = object_window(frame.mask[0])
    assert window.side == CROP  # so that nothing is resampled
    crop, coarse = crop_picture(frame, window), coarse_picture(frame, coarse_color(frame.color))
    robot = object_views(crop, coarse, size=SIZE)
    batch = {**in_bytes("crop", crop), **in_bytes("coarse", coarse), "object": torch.zeros(1, dtype=torch.long)}
    trained = ViewTargets(table(), SIZE)({**batch, "T_cam_obj": torch.eye(4)[None]})
    assert torch.equal(trained["observed"], robot.observed)
    for name, value in robot.inputs.items():
        expected = trained[name].float() / (255 if name in BYTES else 1)
        assert_allclose(value, expected, atol=0.51 / 255 if name.startswith("rgb_") else 1e-5, err_msg=name)


def test_a_window_lies_around_the_mask_with_room():
    mask = torch.zeros(480, 640, dtype=torch.bool)
    mask[100:301, 200:251] = True
    window = object_window(mask)
    assert window.side == 260  # 1.3 times the 200 pixels between the outermost
    assert window.left + window.side / 2 == pytest.approx(225, abs=1)
    assert window.top + window.side / 2 == pytest.approx(200, abs=1)


@pytest.mark.parametrize(("width", "side"), [(640, 160), (1280, 320), (320, 80)])
def test_a_small_object_is_cut_at_most_at_the_resolution_of_a_frame_640_pixels_wide(width, side):
    mask = torch.zeros(width * 3 // 4, width, dtype=torch.bool)
    mask[20:40, 20:40] = True
    assert object_window(mask).side == side


def test_an_empty_mask_is_refused():
    with pytest.raises(PreprocessError, match="empty"):
        object_window(torch.zeros(4, 5, dtype=torch.bool))


def test_pixels_of_a_crop_lie_where_they_were():
    frame = picture(radius=120)
    window = object_window(frame.mask[0])
    crop = crop_picture(frame, window)
    fx, fy, cx, cy = crop.intrinsics[0].tolist()
    scale = window.side / CROP
    for row, column in ((80, 80), (40, 110), (120, 60)):
        u, v = window.left + (column + 0.5) * scale - 0.5, window.top + (row + 0.5) * scale - 0.5
        assert (column - cx) / fx == pytest.approx((u - CAMERA.cx) / CAMERA.fx, abs=1e-5)
        assert (row - cy) / fy == pytest.approx((v - CAMERA.cy) / CAMERA.fy, abs=1e-5)
        near = frame.depth[0, int(v) : int(v) + 2, int(u) : int(u) + 2]
        assert near.min() <= crop.depth[0, row, column] <= near.max()


def test_outside_of_the_frame_nothing_is_known():
    crop = crop_picture(picture(), Window(-60, -40, CROP))
    assert crop.depth[0, :40].max() == 0
    assert crop.depth[0, :, :60].max() == 0
    assert crop.color[0, :, :40].max() == 0
    assert not crop.mask[0, :40].any()
    assert crop.depth[0, 40:, 60:].min() > 0


def test_a_pixel_of_the_coarse_picture_belongs_to_a_mask_that_has_any_pixel_in_it():
    frame = picture()
    thin = torch.zeros_like(frame.mask)
    thin[0, 101, 300:420] = True
    coarse = coarse_picture(Picture(frame.color, frame.depth, thin, frame.intrinsics), coarse_color(frame.color))
    assert coarse.mask.shape == (1, 60, 80)
    assert coarse.mask[0, 12].sum() == 16
    assert coarse.mask.sum() == 16
    assert_allclose(coarse.intrinsics[0, 0], CAMERA.fx / 8)


def test_frames_of_other_shapes_keep_theirs_in_the_coarse_picture():
    assert coarse_color(torch.rand(1, 3, 720, 1280)).shape == (1, 3, 45, 80)
    assert coarse_color(torch.rand(1, 3, 480, 480)).shape == (1, 3, 80, 80)
