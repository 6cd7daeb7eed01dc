"""Messages to arrays: every encoding there and back, and every refusal with its text."""

from __future__ import annotations

import array
import io
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from sam3d_ros.pipeline.decode import (
    InputError,
    check_same_size,
    decode_camera,
    decode_color,
    decode_depth,
    decode_detections,
    decode_mask,
    stamp_ns,
)


def image(pixels, encoding, *, padding=0, bigendian=False, wrap=bytes):
    """An Image message of pixels [H, W] or [H, W, C], its rows padded with 0xAA."""
    order = ">" if bigendian else "<"
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(order)).view(np.uint8).reshape(len(pixels), -1)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xAA)
    return SimpleNamespace(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=int(bigendian),
        step=padded.shape[1],
        data=wrap(padded.tobytes()),
    )


def compressed(picture, kind, name=None, *, prefix=b""):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return SimpleNamespace(format=name or kind.lower(), data=prefix + buffer.getvalue())


CARRIERS = {
    "bytes": bytes,
    "array.array": lambda data: array.array("B", data),
    "NumPy": lambda data: np.frombuffer(data, np.uint8),
    "list": list,
}
RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
ALPHA = np.full((5, 7, 1), 9, np.uint8)
GREY = RGB[..., 0]

COLOR_CASES = {
    "rgb8": (RGB, RGB),
    "bgr8": (RGB[..., ::-1], RGB),
    "rgba8": (np.concatenate([RGB, ALPHA], 2), RGB),
    "bgra8": (np.concatenate([RGB[..., ::-1], ALPHA], 2), RGB),
    "8UC3": (RGB[..., ::-1], RGB),
    "8UC4": (np.concatenate([RGB[..., ::-1], ALPHA], 2), RGB),
    "mono8": (GREY, np.stack([GREY] * 3, 2)),
    "8UC1": (GREY, np.stack([GREY] * 3, 2)),
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("padding", [0, 1, 5])
@pytest.mark.parametrize("encoding", COLOR_CASES)
def test_every_colour_encoding_becomes_rgb(encoding, padding, carrier):
    sent, expected = COLOR_CASES[encoding]
    decoded = decode_color(image(sent, encoding, padding=padding, wrap=CARRIERS[carrier]))
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    np.testing.assert_array_equal(decoded, expected)


def test_rgb8_without_padding_is_a_view_of_the_message():
    message = image(RGB, "rgb8", wrap=CARRIERS["array.array"])
    assert np.shares_memory(decode_color(message), np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize("bigendian", [False, True])
@pytest.mark.parametrize("padding", [0, 1, 6])
@pytest.mark.parametrize(("encoding", "dtype"), [("16UC1", np.uint16), ("mono16", np.uint16), ("32FC1", np.float32)])
def test_depth_comes_back_in_native_byte_order(encoding, dtype, padding, bigendian):
    sent = np.random.default_rng(1).integers(0, 60000, (4, 6)).astype(dtype)
    decoded = decode_depth(image(sent, encoding, padding=padding, bigendian=bigendian))
    assert decoded.dtype == dtype
    assert decoded.dtype.isnative
    np.testing.assert_array_equal(decoded, sent)


def test_nan_and_infinite_depth_pass_unchanged():
    sent = np.array([[np.nan, np.inf, -np.inf, 0.0, 1.5]], np.float32)
    np.testing.assert_array_equal(decode_depth(image(sent, "32FC1")), sent)


@pytest.mark.parametrize("bigendian", [False, True])
@pytest.mark.parametrize(
    ("encoding", "dtype", "top"),
    [
        ("mono8", np.uint8, 255),
        ("8UC1", np.uint8, 255),
        ("mono16", np.uint16, 65535),
        ("16UC1", np.uint16, 65535),
        ("32SC1", np.int32, 2**31 - 1),
    ],
)
def test_masks_keep_their_largest_label(encoding, dtype, top, bigendian):
    sent = np.array([[0, 1, top], [top, 2, 0]], dtype)
    decoded = decode_mask(image(sent, encoding, padding=3, bigendian=bigendian))
    assert decoded.dtype == np.int32
    np.testing.assert_array_equal(decoded, sent.astype(np.int64))


@settings(deadline=None)
@given(arrays(np.int32, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 2**31 - 1)))
def test_any_label_image_survives_the_trip(labels):
    np.testing.assert_array_equal(decode_mask(image(labels, "32SC1")), labels)


def test_negative_labels_are_refused():
    with pytest.raises(InputError, match="negative label -3"):
        decode_mask(image(np.array([[0, -3]], np.int32), "32SC1"))


@pytest.mark.parametrize(
    ("decode", "encoding", "advice"),
    [
        (decode_color, "bayer_rggb8", "run image_proc"),
        (decode_color, "yuv422_yuy2", "convert YUV"),
        (decode_color, "16UC1", "expected one of rgb8"),
        (decode_depth, "64FC1", "send depth as 32FC1"),
        (decode_depth, "mono8", "expected one of 16UC1"),
        (decode_mask, "32FC1", "expected one of mono8"),
        (decode_mask, "rgb8", "expected one of mono8"),
    ],
)
def test_an_unusable_encoding_is_named_with_what_to_do(decode, encoding, advice):
    message = SimpleNamespace(height=1, width=1, encoding=encoding, is_bigendian=0, step=8, data=bytes(8))
    with pytest.raises(InputError, match=f"'{encoding}'.*{advice}"):
        decode(message)


def test_a_step_shorter_than_a_row_is_refused():
    message = image(RGB, "rgb8")
    message.step = 20
    with pytest.raises(InputError, match="step 20, but 7 pixels of rgb8 need 21 bytes"):
        decode_color(message)


@pytest.mark.parametrize("data", [bytes(104), bytes(106), b""])
def test_data_of_another_length_is_refused(data):
    message = image(RGB, "rgb8")
    message.data = data
    with pytest.raises(InputError, match=f"holds {len(data)} bytes, but 5 rows of step 21 are 105"):
        decode_color(message)


@pytest.mark.parametrize(("height", "width"), [(0, 7), (5, 0), (0, 0)])
def test_an_image_without_pixels_is_refused(height, width):
    message = SimpleNamespace(height=height, width=width, encoding="mono8", is_bigendian=0, step=width, data=b"")
    with pytest.raises(InputError, match=f"size {width}x{height}"):
        decode_mask(message)


def test_png_colour_is_exact_and_jpeg_is_close():
    smooth = np.linspace(0, 255, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)
    png = compressed(Image.fromarray(smooth), "PNG", "rgb8; png compressed bgr8")
    jpeg = compressed(Image.fromarray(smooth), "JPEG", "bgr8; jpeg compressed bgr8")
    np.testing.assert_array_equal(decode_color(png), smooth)
    assert np.abs(decode_color(jpeg).astype(int) - smooth).mean() < 4  # loss of quality 95 on a smooth ramp


def test_compressed_colour_keeps_red_in_the_first_channel():
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 250
    assert decode_color(compressed(Image.fromarray(red), "JPEG", "bgr8; jpeg compressed bgr8"))[4, 4].argmax() == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_masks_are_exact(dtype):
    labels = np.random.default_rng(2).integers(0, np.iinfo(dtype).max + 1, (6, 5)).astype(dtype)
    np.testing.assert_array_equal(decode_mask(compressed(Image.fromarray(labels), "PNG")), labels)


def test_palette_masks_give_the_index():
    labels = np.array([[0, 1], [2, 1]], np.uint8)
    picture = Image.fromarray(labels, "L").convert("P")
    picture.putdata(labels.reshape(-1).tolist())
    picture.putpalette([200, 10, 10, 10, 200, 10, 10, 10, 200])
    np.testing.assert_array_equal(decode_mask(compressed(picture, "PNG")), labels)


@pytest.mark.parametrize("decode", [decode_mask, decode_depth])
def test_jpeg_is_refused_where_values_matter(decode):
    with pytest.raises(InputError, match="JPEG, which changes values"):
        decode(compressed(Image.fromarray(GREY), "JPEG", "mono8; jpeg compressed"))


def test_a_coloured_png_is_no_mask():
    with pytest.raises(InputError, match="one channel"):
        decode_mask(compressed(Image.fromarray(RGB), "PNG"))


def test_png_of_16_bits_is_depth_in_millimetres():
    depth = np.random.default_rng(3).integers(0, 65536, (4, 5)).astype(np.uint16)
    decoded = decode_depth(compressed(Image.fromarray(depth), "PNG", "16UC1; png compressed "))
    assert decoded.dtype == np.uint16
    np.testing.assert_array_equal(decoded, depth)


def test_png_of_8_bits_is_no_depth():
    with pytest.raises(InputError, match="16 bits"):
        decode_depth(compressed(Image.fromarray(GREY), "PNG", "png"))


def test_compressed_depth_of_16uc1_is_exact():
    depth = np.random.default_rng(4).integers(0, 65536, (4, 5)).astype(np.uint16)
    header = struct.pack("<iff", 0, 0.0, 0.0)
    message = compressed(Image.fromarray(depth), "PNG", "16UC1; compressedDepth png", prefix=header)
    np.testing.assert_array_equal(decode_depth(message), depth)


@settings(deadline=None)
@given(arrays(np.float64, (3, 4), elements=st.floats(0.2, 9.5)))
def test_compressed_depth_of_32fc1_comes_back_within_its_quantisation(depth):
    # The sender's formulas: quantisation 100, depths up to 10 m.
    depth_max, quantisation = 10.0, 100.0
    quant_a = quantisation * (quantisation + 1.0)
    quant_b = 1.0 - quant_a / depth_max
    quantised = (quant_a / depth + quant_b).astype(np.uint16)
    quantised[0, 0] = 0
    header = struct.pack("<iff", 0, quant_a, quant_b)
    message = compressed(Image.fromarray(quantised), "PNG", "32FC1; compressedDepth png", prefix=header)
    decoded = decode_depth(message)
    assert decoded.dtype == np.float32
    assert np.isnan(decoded[0, 0])
    step = depth**2 / quant_a  # derivative of depth by the quantised number, which is cut off by at most one
    error = np.abs(decoded - depth)[np.arange(12).reshape(3, 4) > 0]
    assert (error <= 1.2 * step[np.arange(12).reshape(3, 4) > 0] + 1e-5).all()


def test_compressed_depth_without_png_is_refused():
    message = SimpleNamespace(format="16UC1; compressedDepth rvl", data=bytes(40))
    with pytest.raises(InputError, match="set its format to png"):
        decode_depth(message)


@pytest.mark.parametrize("decode", [decode_color, decode_mask, decode_depth])
def test_a_damaged_png_is_refused(decode):
    message = compressed(Image.fromarray(GREY), "PNG")
    message.data = message.data[: len(message.data) // 2]
    with pytest.raises(InputError, match="damaged"):
        decode(message)


def test_unknown_compression_is_refused():
    with pytest.raises(InputError, match="'webp' is neither PNG nor JPEG"):
        decode_color(SimpleNamespace(format="webp", data=b"RIFF____WEBP"))


def camera_info(**changes):
    fields = {
        "header": SimpleNamespace(frame_id="optical", stamp=SimpleNamespace(sec=3, nanosec=7)),
        "width": 640,
        "height": 480,
        "distortion_model": "plumb_bob",
        "d": [0.0] * 5,
        "k": [600.0, 0, 320, 0, 610, 240, 0, 0, 1],
        "r": np.eye(3).ravel(),
        "p": [600.0, 0, 320, 0, 0, 610, 240, 0, 0, 0, 1, 0],
        "binning_x": 0,
        "binning_y": 0,
        "roi": SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False),
    }
    return SimpleNamespace(**{**fields, **changes})


def test_camera_info_becomes_a_pinhole():
    calibration = decode_camera(camera_info())
    camera = calibration.camera
    assert (camera.width, camera.height) == (640, 480)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (600, 610, 320, 240)
    assert not calibration.is_distorted
    assert calibration.frame_id == "optical"


def test_the_rectified_camera_comes_from_p_and_the_raw_one_from_k():
    calibration = decode_camera(camera_info(p=[500.0, 0, 300, -50, 0, 510, 200, 0, 0, 0, 1, 0], d=[0.1, 0, 0, 0, 0]))
    assert (calibration.camera.fx, calibration.camera.cx) == (500, 300)
    assert (calibration.raw_camera.fx, calibration.raw_camera.cx) == (600, 320)
    assert calibration.is_distorted


def test_an_empty_p_falls_to_k():
    assert decode_camera(camera_info(p=[0.0] * 12)).camera.fx == 600


def test_a_region_of_interest_moves_the_principal_point():
    roi = SimpleNamespace(x_offset=100, y_offset=50, width=200, height=120, do_rectify=False)
    camera = decode_camera(camera_info(roi=roi)).camera
    assert (camera.width, camera.height, camera.cx, camera.cy, camera.fx) == (200, 120, 220, 190, 600)


@pytest.mark.parametrize(("bin_x", "bin_y"), [(2, 2), (4, 2)])
def test_binning_sees_the_same_point_in_the_binned_pixel(bin_x, bin_y):
    full = decode_camera(camera_info()).camera
    binned = decode_camera(camera_info(binning_x=bin_x, binning_y=bin_y)).camera
    assert (binned.width, binned.height) == (640 // bin_x, 480 // bin_y)
    point = [0.1, -0.2, 1.3]
    u, v = full.project(point)
    # The centre of binned pixel 0 is the middle of the pixels 0 to b-1.
    np.testing.assert_allclose(binned.project(point), [(u - (bin_x - 1) / 2) / bin_x, (v - (bin_y - 1) / 2) / bin_y])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"k": [0.0] * 9, "p": [0.0] * 12}, "uncalibrated"),
        ({"k": [0.0] * 9}, "uncalibrated"),
        ({"width": 0}, "size 0x480"),
        ({"k": [float("nan")] * 9}, "K holds NaN"),
        ({"k": [-600.0, 0, 320, 0, 610, 240, 0, 0, 1], "p": [0.0] * 12}, "not calibrated"),
        ({"k": [1.0, 2.0]}, "K holds 2 numbers instead of 9"),
        ({"d": [float("inf")]}, "D holds NaN or Inf"),
    ],
)
def test_unusable_camera_info_is_refused(changes, text):
    with pytest.raises(InputError, match=text):
        decode_camera(camera_info(**changes))


def detection(identifier, *scores):
    hypotheses = [SimpleNamespace(hypothesis=SimpleNamespace(class_id=name, score=score)) for name, score in scores]
    return SimpleNamespace(id=identifier, results=hypotheses)


def test_detections_pair_by_id_and_take_the_best_class():
    message = SimpleNamespace(detections=[detection("3", ("cup", 0.4), ("bowl", 0.9)), detection(" 12 ", ("box", 0.5))])
    result = decode_detections(message)
    assert {label: item.class_id for label, item in result.by_label.items()} == {3: "bowl", 12: "box"}
    assert result.by_label[3].score == pytest.approx(0.9)
    assert result.unpaired == ()


@pytest.mark.parametrize("identifier", ["", "cup_1", "0", "-2", "1.5", "²"])
def test_an_id_that_is_no_label_is_reported(identifier):
    result = decode_detections(SimpleNamespace(detections=[detection(identifier, ("cup", 0.4))]))
    assert result.by_label == {}
    assert f"'{identifier}'" in result.unpaired[0]


def test_a_second_detection_of_a_label_and_an_empty_one_are_reported():
    message = SimpleNamespace(detections=[detection("1", ("a", 0.2)), detection("1", ("b", 0.9)), detection("2")])
    result = decode_detections(message)
    assert result.by_label[1].class_id == "a"
    assert ["twice" in result.unpaired[0], "no hypothesis" in result.unpaired[1]] == [True, True]


def test_images_of_different_size_are_refused_by_name():
    with pytest.raises(InputError, match="image 7x5, mask 6x5"):
        check_same_size(image=RGB, mask=GREY[:, :6])
    check_same_size(image=RGB, mask=GREY)


def test_the_stamp_is_exact_in_nanoseconds():
    stamp = SimpleNamespace(sec=1_700_000_000, nanosec=999_999_999)
    assert stamp_ns(SimpleNamespace(header=SimpleNamespace(stamp=stamp))) == 1_700_000_000_999_999_999


@pytest.mark.parametrize("distribution", ["ROS2_HUMBLE", "ROS2_JAZZY"])
def test_messages_of_rosbags_decode_too(distribution):
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores[distribution])
    header = store.types["std_msgs/msg/Header"](store.types["builtin_interfaces/msg/Time"](1, 2), "optical")
    message = store.types["sensor_msgs/msg/Image"](header, 5, 7, "rgb8", 0, 21, RGB.reshape(-1))
    again = store.deserialize_cdr(store.serialize_cdr(message, message.__msgtype__), message.__msgtype__)
    np.testing.assert_array_equal(decode_color(again), RGB)
    assert stamp_ns(again) == 1_000_000_002
