"""Bags go out and come back, in both formats, as folder and as single file."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
from PIL import Image
from rosbags.typesys import Stores, get_typestore

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.pipeline.decode import decode_color, decode_depth, decode_mask
from sam3d_ros.pipeline.frame_messages import decode_frame
from sam3d_ros.replay.bags.bag import Bag, BagError, BagTopic
from sam3d_ros.replay.bags.bag_frames import BagFrames, MatchConfig, camera_pose, read_transforms
from sam3d_ros.replay.bags.bag_writer import BagForm, BagWriter
from sam3d_ros.replay.bags.message_types import header, make, typestore
from sam3d_ros.replay.bags.topics import InputTopics, Role, find_inputs
from sam3d_ros.training.synthetic import SceneConfig, SequenceConfig, film
from sam3d_ros.training.synthetic.bag import DEPTH, IMAGE, MASK, camera_info_message, image_message, write_shots

CAMERA = PinholeCamera(160, 120, 152.0, 152.0, 79.5, 59.5)
CONFIG = SequenceConfig(SceneConfig(seed=3, props=("mug", "duck")), camera=CAMERA, frames=3)
FORMS = {BagForm.MCAP_FILE: "scene.mcap", BagForm.MCAP_FOLDER: "scene", BagForm.SQLITE_FOLDER: "scene"}


@pytest.fixture(scope="module")
def shots():
    return list(film(CONFIG))


@pytest.fixture(scope="module")
def scene_bag(tmp_path_factory, shots):
    path = tmp_path_factory.mktemp("bags") / "scene.mcap"
    write_shots(path, shots)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_a_sequence_comes_back_as_it_was_written(form, shots, tmp_path):
    path = tmp_path / FORMS[form]
    write_shots(path, shots, form=form)
    assert path.is_file() == (form is BagForm.MCAP_FILE)
    with Bag(path) as bag:
        frames = list(BagFrames(bag, find_inputs(bag.topics, {})))
    assert len(frames) == len(shots)
    for messages, shot in zip(frames, shots, strict=True):
        assert messages.stamp_ns == shot.frame.stamp_ns
        np.testing.assert_array_equal(decode_color(messages.image), shot.frame.color)
        np.testing.assert_array_equal(decode_depth(messages.depth), shot.depth_mm)
        np.testing.assert_array_equal(decode_mask(messages.mask), shot.frame.labels)


def _compressed(shot, head):
    stream = io.BytesIO()
    Image.fromarray(shot.frame.color).save(stream, "PNG")
    data = np.frombuffer(stream.getvalue(), np.uint8)
    return make("sensor_msgs/CompressedImage", header=head, format="rgb8; png compressed bgr8", data=data)


def _cloud(shot, head):
    height, width = shot.depth_mm.shape
    fields = [
        make("sensor_msgs/PointField", name=name, offset=4 * index, datatype=7, count=1)
        for index, name in enumerate("xyz")
    ]
    data = shot.frame.pointmap.reshape(-1).view(np.uint8)
    size = {"height": height, "width": width, "point_step": 12, "row_step": 12 * width}
    return make(
        "sensor_msgs/PointCloud2", header=head, fields=fields, is_bigendian=False, data=data, is_dense=False, **size
    )


def test_compressed_colour_and_an_organised_cloud_give_the_same_frames(shots, tmp_path):
    with BagWriter(tmp_path / "other.mcap") as bag:
        for shot in shots:
            stamp, head = shot.frame.stamp_ns, header(shot.frame.stamp_ns, "optical")
            info = camera_info_message(CAMERA, head)
            bag.write("/cam/rgb/camera_info", "sensor_msgs/msg/CameraInfo", stamp, info)
            bag.write("/cam/rgb/compressed", "sensor_msgs/msg/CompressedImage", stamp, _compressed(shot, head))
            bag.write("/cam/points", "sensor_msgs/msg/PointCloud2", stamp, _cloud(shot, head))
            mask = image_message(shot.frame.labels.astype(np.uint16), "mono16", head)
            bag.write("/labels", "sensor_msgs/msg/Image", stamp, mask)
    with Bag(tmp_path / "other.mcap") as bag:
        for messages, shot in zip(BagFrames(bag, find_inputs(bag.topics, {})), shots, strict=True):
            frame = decode_frame(messages)
            np.testing.assert_array_equal(frame.color, shot.frame.color)
            np.testing.assert_array_equal(frame.labels, shot.frame.labels)
            np.testing.assert_allclose(frame.pointmap, shot.frame.pointmap)


@pytest.mark.parametrize("form", [BagForm.MCAP_FOLDER, BagForm.SQLITE_FOLDER])
def test_the_file_inside_a_recording_can_be_given_too(form, shots, tmp_path):
    write_shots(tmp_path / "scene", shots, form=form)
    file = next(item for item in (tmp_path / "scene").iterdir() if item.suffix in (".db3", ".mcap"))
    with Bag(file) as bag:
        assert find_inputs(bag.topics, {}).image.count == CONFIG.frames


def test_a_folder_without_metadata_is_read_by_its_only_file(scene_bag, tmp_path):
    shutil.copy(scene_bag, tmp_path / "a.mcap")
    with Bag(tmp_path) as bag:
        assert len(bag.topics) == 7


def test_an_earlier_bag_is_replaced_and_no_scrap_stays(tmp_path):
    for value in (1, 2):
        with BagWriter(tmp_path / "x.mcap") as writer:
            head = header(value, "camera")
            writer.write("/m", "sensor_msgs/msg/Image", value, image_message(np.zeros((2, 2), np.uint8), "mono8", head))
    assert [item.name for item in tmp_path.iterdir()] == ["x.mcap"]
    with Bag(tmp_path / "x.mcap") as bag:
        assert bag.start_ns == 2


def _interrupted(path):
    with BagWriter(path) as writer:
        writer.write("/m", "sensor_msgs/msg/Image", 5, _image(5))
        raise KeyboardInterrupt


def test_a_bag_is_whole_even_after_an_exception(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        _interrupted(tmp_path / "x.mcap")
    with Bag(tmp_path / "x.mcap") as bag:
        assert bag.topics == (BagTopic("/m", "sensor_msgs/msg/Image", 1),)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.mcap", None, "no such file"),
        ("a.txt", b"", "a bag is a .mcap or .db3"),
        ("bad.mcap", b"xx", "cannot be read"),
    ],
)
def test_what_is_no_bag_is_said_in_one_line(name, content, words, tmp_path):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BagError, match=words) as caught, Bag(path):
        pass
    assert name in str(caught.value)


def test_the_types_that_are_written_are_the_same_from_humble_to_kilted():
    ours, newest = typestore(), get_typestore(Stores.ROS2_KILTED)
    written = ["sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo", "tf2_msgs/msg/TFMessage"]
    for name in [*written, "visualization_msgs/msg/MarkerArray", "diagnostic_msgs/msg/DiagnosticArray"]:
        assert ours.hash_rihs01(name) == newest.hash_rihs01(name), name


def test_the_pose_of_the_moving_camera_is_read_from_tf(scene_bag, shots):
    with Bag(scene_bag) as bag:
        tree = read_transforms(bag)
        for messages, shot in zip(BagFrames(bag, find_inputs(bag.topics, {})), shots, strict=True):
            pose = camera_pose(tree, "map", messages)
            np.testing.assert_allclose(pose.as_matrix(), shot.T_world_cam.as_matrix(), atol=1e-9)
            assert "no transform" in camera_pose(tree, "odom", messages)


def _image(stamp):
    return image_message(np.zeros((2, 2), np.uint8), "mono8", header(stamp, "camera"))


@pytest.fixture
def late_bag(tmp_path):
    """Depth 10 ms after the image, masks 50 ms late on the way; the second mask is missing."""
    with BagWriter(tmp_path / "late.mcap") as writer:
        for index in range(4):
            stamp = 10**9 * (index + 1)
            writer.write(IMAGE, "sensor_msgs/msg/Image", stamp, _image(stamp))
            writer.write(DEPTH, "sensor_msgs/msg/Image", stamp + 1, _image(stamp + 10_000_000))
            if index != 1:
                writer.write(MASK, "sensor_msgs/msg/Image", stamp + 50_000_000, _image(stamp))
    return tmp_path / "late.mcap"


def test_messages_match_by_stamp_and_not_by_arrival(late_bag):
    with Bag(late_bag) as bag:
        image, depth, mask = (
            next(topic for topic in bag.topics if topic.name == name) for name in (IMAGE, DEPTH, MASK)
        )
        inputs = InputTopics(image, BagTopic("/none", "sensor_msgs/msg/CameraInfo", 0), mask, depth)
        frames = BagFrames(bag, inputs, MatchConfig(slop_s=0.02))
        stamps = [messages.stamp_ns // 10**9 for messages in frames]
        assert stamps == [1, 3, 4]
        assert frames.counts.matched == 3
        assert frames.counts.unmatched == {"image": 1, "depth": 1, "mask": 0}
        strict = BagFrames(bag, inputs, MatchConfig(slop_s=0.005))
        assert list(strict) == []


def _topics(*names):
    kinds = {"I": "sensor_msgs/msg/Image", "C": "sensor_msgs/msg/CompressedImage", "K": "sensor_msgs/msg/CameraInfo"}
    kinds |= {"P": "sensor_msgs/msg/PointCloud2"}
    return [BagTopic(name, kinds[kind], 5) for kind, name in (entry.split(" ") for entry in names)]


REALSENSE = _topics(
    "I /camera/color/image_raw",
    "C /camera/color/image_raw/compressed",
    "K /camera/color/camera_info",
    "I /camera/aligned_depth_to_color/image_raw",
    "I /camera/depth/image_rect_raw",
    "K /camera/depth/camera_info",
    "I /camera/infra1/image_rect_raw",
    "I /sam2/masks",
)


def test_the_topics_of_a_realsense_are_found():
    found = find_inputs(REALSENSE, {})
    assert found.image.name == "/camera/color/image_raw"
    assert found.depth.name == "/camera/aligned_depth_to_color/image_raw"
    assert found.camera_info.name == "/camera/color/camera_info"
    assert found.mask.name == "/sam2/masks"
    assert found.detections is None


def test_compressed_colour_and_a_cloud_do_as_well():
    found = find_inputs(
        _topics("C /cam/rgb/image/compressed", "K /cam/rgb/camera_info", "P /cam/points", "I /labels"), {}
    )
    assert found.image.type.endswith("CompressedImage")
    assert found.camera_info.name == "/cam/rgb/camera_info"
    assert (found.depth, found.points.name) == (None, "/cam/points")


def test_two_cameras_are_an_error_that_names_both_and_lists_all_topics():
    two = [*REALSENSE, *_topics("I /other/color/image_raw")]
    with pytest.raises(BagError, match="image could be /camera/color/image_raw, /other/color/image_raw") as caught:
        find_inputs(two, {})
    assert all(topic.name in str(caught.value) for topic in two)
    assert find_inputs(two, {Role.IMAGE: "/camera/color/image_raw"}).image.name == "/camera/color/image_raw"


def test_a_missing_mask_is_an_error_that_lists_all_topics():
    with pytest.raises(BagError, match="no topic was found for mask") as caught:
        find_inputs([topic for topic in REALSENSE if topic.name != "/sam2/masks"], {})
    assert "--topics mask:=NAME" in str(caught.value)
    assert "/camera/depth/image_rect_raw" in str(caught.value)


def test_given_topics_must_exist_and_be_of_a_fitting_type():
    with pytest.raises(BagError, match="no topic /nope for mask"):
        find_inputs(REALSENSE, {Role.MASK: "/nope"})
    with pytest.raises(BagError, match="must be a sensor_msgs/msg/CameraInfo"):
        find_inputs(REALSENSE, {Role.CAMERA_INFO: "/sam2/masks"})


def test_our_own_messages_have_their_definitions(tmp_path):
    with BagWriter(tmp_path / "r.mcap") as writer:
        empty = make("sam3d_ros/RejectionArray", header=header(1, "map"), rejections=[])
        writer.write("/sam3d/rejections", "sam3d_ros/msg/RejectionArray", 1, empty)
    assert b"string reason" in (tmp_path / "r.mcap").read_bytes()


def test_detections_that_were_recorded_behind_their_mask_are_used(scene_bag, shots):
    with Bag(scene_bag) as bag:
        frames = list(BagFrames(bag, find_inputs(bag.topics, {})))
    assert len(frames) == len(shots)
    for messages, shot in zip(frames, shots, strict=True):
        detections = decode_frame(messages).detections
        assert {label: item.class_id for label, item in detections.items()} == {
            label: shot.frame.detections[label].class_id for label in shot.frame.instance_labels()
        }
