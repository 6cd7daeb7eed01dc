"""Raw images of a lens with distortion become those of a pinhole camera."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.geometry.distortion import distorted_camera
from sam3d_ros.pipeline.decode import InputError
from sam3d_ros.pipeline.frame_messages import FrameMessages, decode_frame
from sam3d_ros.pipeline.rectification import is_raw

HEIGHT, WIDTH, FOCAL = 120, 160, 120.0
D = [-0.28, 0.07, 0.001, -0.0005, 0.0]
HEADER = SimpleNamespace(frame_id="camera", stamp=SimpleNamespace(sec=1, nanosec=0))


def camera_info(d: list[float] = D, model: str = "plumb_bob") -> Any:
    k = [FOCAL, 0.0, WIDTH / 2, 0.0, FOCAL, HEIGHT / 2, 0.0, 0.0, 1.0]
    roi = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False)
    return SimpleNamespace(
        header=HEADER, height=HEIGHT, width=WIDTH, distortion_model=model, d=d, k=k, roi=roi, binning_x=0, binning_y=0,
        r=[1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0], p=[*k[:3], 0.0, *k[3:6], 0.0, *k[6:], 0.0],
    )  # fmt: skip


def image(pixels: np.ndarray, encoding: str) -> Any:
    return SimpleNamespace(
        header=HEADER, height=pixels.shape[0], width=pixels.shape[1], encoding=encoding, is_bigendian=0,
        step=pixels.strides[0], data=np.ascontiguousarray(pixels).tobytes(),
    )  # fmt: skip


def messages(**replacements: Any) -> FrameMessages:
    """What a lens with distortion D sees of a slanted plane that carries a disc with label 5."""
    source = distorted_camera(PinholeCamera(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2), "plumb_bob", D)
    v, u = np.mgrid[:HEIGHT, :WIDTH]
    bent = np.stack([(u - WIDTH / 2) / FOCAL, (v - HEIGHT / 2) / FOCAL], axis=-1)
    x, y = np.moveaxis(source.undistort(bent), -1, 0)
    depth = plane_depth(x, y)
    disc = np.hypot(x - 0.4, y + 0.25) < 0.12
    color = np.where(disc[..., None], [255, 0, 0], [0, 0, 255]).astype(np.uint8)
    parts = {
        "image": image(color, "rgb8"),
        "depth": image(depth.astype(np.float32), "32FC1"),
        "mask": image((disc * 5).astype(np.uint8), "mono8"),
        "camera_info": camera_info(),
    }
    return FrameMessages(**{**parts, **replacements})


def plane_depth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Depth along the ray x, y, 1 of the plane z = 1 + 0.3 X."""
    return 1 / (1 - 0.3 * x) + 0 * y


def test_a_plane_seen_through_a_bent_lens_is_a_plane_again() -> None:
    points = decode_frame(messages()).pointmap.reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    assert len(points) > 0.9 * HEIGHT * WIDTH
    assert np.abs(points[:, 2] - 1 - 0.3 * points[:, 0]).max() < 0.004  # half a pixel of slant


def test_masks_and_colour_land_where_their_rays_go() -> None:
    frame = decode_frame(messages())
    x, y = frame.camera.rays()[..., 0], frame.camera.rays()[..., 1]
    disc = np.hypot(x - 0.4, y + 0.25) < 0.12
    assert np.mean((frame.labels == 5) == disc) > 0.99
    assert np.mean((frame.color[..., 0] > 127) == disc) > 0.99


def test_images_that_are_declared_rectified_are_left_alone() -> None:
    given = messages()
    frame = decode_frame(messages(raw=False))
    assert np.array_equal(frame.color.tobytes(), given.image.data)


def test_without_distortion_raw_images_are_left_alone() -> None:
    frame = decode_frame(messages(camera_info=camera_info([0.0] * 5)))
    assert np.array_equal(frame.color.tobytes(), messages().image.data)


def test_depth_of_half_the_size_is_rectified_too() -> None:
    full = np.frombuffer(messages().depth.data, np.float32).reshape(HEIGHT, WIDTH)
    frame = decode_frame(messages(depth=image(np.ascontiguousarray(full[::2, ::2]), "32FC1")))
    points = frame.pointmap.reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    assert np.abs(points[:, 2] - 1 - 0.3 * points[:, 0]).max() < 0.02


def test_an_unknown_lens_model_is_refused_with_its_name() -> None:
    with pytest.raises(InputError, match="omnidirectional"):
        decode_frame(messages(camera_info=camera_info(model="omnidirectional")))


@pytest.mark.parametrize(
    ("kind", "topic", "raw"),
    [
        ("auto", "/camera/color/image_raw", True),
        ("auto", "/camera/color/image_rect", False),
        ("auto", "/zed/zed_node/rgb/color/rect/image", False),
        ("raw", "/camera/image_rect", True),
        ("rectified", "/image", False),
    ],
)
def test_the_name_of_the_topic_tells_raw_from_rectified(kind: str, topic: str, raw: bool) -> None:
    assert is_raw(kind, topic) is raw
