"""Bags as frames of the page: results as recorded, answers as they are computed."""

from __future__ import annotations

import pytest

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.pipeline.backends import create_backend
from sam3d_ros.replay.bags.bag import Bag, BagError, BagTopic
from sam3d_ros.replay.bags.result_bag import OBJECTS, REJECTIONS, ResultBag
from sam3d_ros.replay.bags.result_topics import OBJECTS_TYPE, REJECTIONS_TYPE, find_camera, find_results
from sam3d_ros.replay.bags.topics import find_inputs
from sam3d_ros.replay.runs.in_process import InProcessReplay, ReplayConfig
from sam3d_ros.tracking import ObjectState
from sam3d_ros.tracking.tracker import SceneTracker
from sam3d_ros.training.synthetic import SceneConfig, SequenceConfig
from sam3d_ros.training.synthetic.bag import DEPTH, IMAGE, write_sequence
from sam3d_ros.viewer.computed import AnswerFrames
from sam3d_ros.viewer.recorded import RecordedFrames

CAMERA = PinholeCamera(160, 120, 152.0, 152.0, 79.5, 59.5)
FRAMES = 3


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = tmp_path_factory.mktemp("scene") / "scene.mcap"
    write_sequence(path, SequenceConfig(SceneConfig(seed=3, props=("mug", "can")), camera=CAMERA, frames=FRAMES))
    return path


def _replay(bag, on_progress=None):
    tracker = SceneTracker(create_backend("fake"))
    tracker.load()
    inputs = find_inputs(bag.topics, {})
    return inputs, InProcessReplay(bag, inputs, tracker, ReplayConfig("map"), on_progress=on_progress)


@pytest.fixture(scope="module")
def results(scene, tmp_path_factory):
    """A bag of results, with the camera and without."""
    folder = tmp_path_factory.mktemp("results")
    for name, with_camera in (("with.mcap", True), ("without.mcap", False)):
        with Bag(scene) as bag, ResultBag(folder / name) as written:
            inputs, replay = _replay(bag)
            for answer in replay:
                written.write(answer.update, answer.frame_id, time_ns=answer.messages.stamp_ns)
            if with_camera:
                written.copy_inputs(bag, inputs, until_ns=2**62)
    return folder


def _recorded(path, **options):
    with Bag(path) as bag:
        topics = find_results(bag.topics)
        camera = find_camera(bag.topics, {})
        return list(RecordedFrames(bag, topics, None if isinstance(camera, str) else camera, **options))


def test_what_was_recorded_is_what_was_computed(scene, results):
    with Bag(scene) as bag:
        answers = list(_replay(bag)[1])
    frames = _recorded(results / "with.mcap")
    assert [frame.stamp_ns for frame in frames] == [answer.messages.stamp_ns for answer in answers]
    for frame, answer in zip(frames, answers, strict=True):
        assert (frame.frame_id, frame.optical, frame.notices) == ("map", False, ())
        assert frame.view.T_ref_cam.translation_xyz == pytest.approx(answer.T_ref_cam.translation_xyz)
        assert frame.update.final
        for shown, item in zip(frame.update.objects, answer.update.objects, strict=True):
            assert shown.T_ref_obj.translation_xyz == pytest.approx(item.T_ref_obj.translation_xyz)
            assert frame.tf_names[shown.object_id] == f"object_{item.object_id}"
            assert shown.detection.class_id == item.detection.class_id


def test_points_know_the_masks_of_their_objects(results):
    frame = _recorded(results / "with.mcap")[0]
    labels = {item.label for item in frame.update.objects}
    assert labels == set(frame.view.cloud.labels.tolist()) - {0}


def test_the_same_mesh_is_in_memory_once(results):
    frames = _recorded(results / "with.mcap")
    assert len({id(frame.update.objects[0].mesh) for frame in frames}) == 1


def test_results_without_a_camera_are_shown_without_points(results):
    frames = _recorded(results / "without.mcap")
    assert len(frames) == FRAMES
    assert all(frame.view is None and frame.update.objects for frame in frames)


def test_results_can_be_shown_in_another_frame(results):
    frame = _recorded(results / "with.mcap", target_frame="camera_color_optical_frame")[0]
    assert frame.optical
    assert frame.view.T_ref_cam.translation_xyz == pytest.approx([0.0, 0.0, 0.0])
    # In front of the camera, at about the distance of its points.
    depth = frame.update.objects[0].T_ref_obj.translation_xyz[2]
    assert depth == pytest.approx(frame.view.cloud.centre[2], abs=0.4)


def test_answers_on_their_way_are_frames_of_the_same_moment(scene):
    making, shown = AnswerFrames(), []
    with Bag(scene) as bag:
        replay = _replay(bag, lambda answer: shown.append(making.frame(answer)))[1]
        shown += [making.frame(answer) for answer in replay]
    first = [frame for frame in shown if frame.stamp_ns == shown[0].stamp_ns]
    assert [frame.update.final for frame in first] == [False] * (len(first) - 1) + [True]
    assert ObjectState.COARSE in {item.state for frame in first for item in frame.update.objects}
    assert first[-1].latency_ms > 0
    assert first[-1].tf_names == {1: "object_1", 2: "object_2"}
    assert first[0].view is not None


def _topics(*named):
    return [BagTopic(name, kind, 3) for name, kind in named]


def test_results_of_several_nodes_have_to_be_chosen_from():
    topics = _topics(("/a/objects", OBJECTS_TYPE), ("/b/objects", OBJECTS_TYPE), ("/b/rejections", REJECTIONS_TYPE))
    with pytest.raises(BagError, match="choose with --namespace /a"):
        find_results(topics)
    found = find_results(topics, namespace="/b")
    assert (found.objects.name, found.rejections.name) == ("/b/objects", "/b/rejections")
    with pytest.raises(BagError, match="no results on /c/objects"):
        find_results(topics, namespace="/c")


def test_a_bag_without_results_has_none():
    assert find_results(_topics((IMAGE, "sensor_msgs/msg/Image"))) is None


def test_what_the_camera_lacks_is_named(results):
    image = "sensor_msgs/msg/Image"
    assert find_camera(_topics((IMAGE, image), (DEPTH, image)), {}) == "camera_info"
    with Bag(results / "with.mcap") as bag:
        assert {OBJECTS, REJECTIONS} <= {topic.name for topic in bag.topics}
        assert find_camera(bag.topics, {}).mask.name == "/segmentation/mask"
