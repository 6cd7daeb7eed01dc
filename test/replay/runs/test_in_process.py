"""A bag through the pipeline: each frame answered, the same every time, results that can be read back."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline.backends import create_backend
from sam3d_ros.replay.bags.bag import Bag
from sam3d_ros.replay.bags.result_bag import DETECTIONS, MARKERS, OBJECTS, REJECTIONS, ResultBag
from sam3d_ros.replay.bags.scene_of_messages import scene_of_messages
from sam3d_ros.replay.bags.topics import find_inputs
from sam3d_ros.replay.runs.in_process import InProcessReplay, ReplayConfig
from sam3d_ros.replay.runs.live_records import published_records
from sam3d_ros.replay.runs.run_figures import RunFigures
from sam3d_ros.tracking import ObjectState
from sam3d_ros.tracking.tracker import SceneTracker
from sam3d_ros.training.synthetic import SceneConfig, SequenceConfig
from sam3d_ros.training.synthetic.bag import write_sequence

CAMERA = PinholeCamera(320, 240, 304.0, 304.0, 159.5, 119.5)
CONFIG = SequenceConfig(SceneConfig(seed=3, props=("mug", "can", "cereal_box")), camera=CAMERA, frames=3)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = tmp_path_factory.mktemp("scene") / "scene.mcap"
    shots = []
    write_sequence(path, CONFIG, on_frame=shots.append)
    return path, shots


def _replay(path, backend="geometric", config=None):
    tracker = SceneTracker(create_backend(backend))
    tracker.load()
    with Bag(path) as bag:
        replay = InProcessReplay(bag, find_inputs(bag.topics, {}), tracker, config or ReplayConfig("map"))
        return list(replay), replay.figures


@pytest.fixture(scope="module")
def answers(scene):
    return _replay(scene[0])[0]


def test_every_frame_and_every_mask_is_answered(answers, scene):
    assert len(answers) == CONFIG.frames
    for answer in answers:
        seen = {item.label for item in answer.update.objects if item.state is not ObjectState.UNSEEN}
        refused = {rejection.label for rejection in answer.update.rejections}
        assert seen | refused >= set(answer.frame.instance_labels())
        assert answer.frame_id == "map"


def test_two_runs_differ_in_nothing_but_time(answers, scene):
    for first, second in zip(answers, _replay(scene[0])[0], strict=True):
        assert len(first.update.objects) == len(second.update.objects)
        for a, b in zip(first.update.objects, second.update.objects, strict=True):
            assert (a.object_id, a.label, a.mesh_version, a.quality) == (
                b.object_id,
                b.label,
                b.mesh_version,
                b.quality,
            )
            np.testing.assert_array_equal(a.mesh.vertices, b.mesh.vertices)
            np.testing.assert_array_equal(a.T_ref_obj.as_matrix(), b.T_ref_obj.as_matrix())


def test_a_mesh_posed_by_the_tf_of_the_bag_and_projected_with_its_camera_info_covers_its_mask(answers):
    checked = 0
    for answer in answers:
        for item in answer.update.objects:
            if item.state is ObjectState.UNSEEN:
                continue
            T_cam_obj = answer.T_ref_cam.inverse() @ item.T_ref_obj
            drawn = render([item.mesh], [T_cam_obj], answer.frame.camera).index >= 0
            mask = answer.frame.labels == item.label
            assert (drawn & mask).sum() / mask.sum() > 0.8, (item.label, item.detection)
            checked += 1
    assert checked >= CONFIG.frames * 2


def test_without_a_target_frame_poses_are_in_the_camera(scene):
    answers, _ = _replay(scene[0], "fake", ReplayConfig())
    assert {answer.frame_id for answer in answers} == {"camera_color_optical_frame"}
    assert all(0.3 < item.T_ref_obj.translation_xyz[2] < 1.5 for item in answers[0].update.objects)


def test_an_unknown_target_frame_rejects_each_mask_with_the_reason(scene):
    answers, figures = _replay(scene[0], "fake", ReplayConfig("odom"))
    assert figures.rejections == {"transform_missing": sum(len(a.frame.instance_labels()) for a in answers)}
    assert "odom" in answers[0].update.rejections[0].detail


def test_loops_start_anew_and_frames_limit_each(scene):
    answers, figures = _replay(scene[0], "fake", ReplayConfig("map", loops=2, max_frames=2))
    assert len(answers) == 4
    assert figures.frames_done == 4
    first, second = ({item.object_id for item in answers[at].update.objects} for at in (1, 3))
    assert not first & second


def test_results_can_be_read_back_from_the_bag(answers, scene, tmp_path):
    with Bag(scene[0]) as bag, ResultBag(tmp_path / "results.mcap") as results:
        inputs = find_inputs(bag.topics, {})
        for answer in answers:
            results.write(answer.update, answer.frame_id, time_ns=answer.messages.stamp_ns)
        results.copy_inputs(bag, inputs, until_ns=answers[-1].messages.stamp_ns)
    with Bag(tmp_path / "results.mcap") as made:
        counts = {topic.name: topic.count for topic in made.topics}
        objects = [made.decode(message) for message in made.messages([OBJECTS])]
        rejections = [made.decode(message) for message in made.messages([REJECTIONS])]
        markers = [made.decode(message) for message in made.messages([MARKERS])]
    assert counts[OBJECTS] == counts[DETECTIONS] == counts["/camera/color/image_raw"] == CONFIG.frames
    assert counts["/tf"] == 2 * CONFIG.frames
    assert {marker.type for array in markers for marker in array.markers} >= {5, 9, 11}
    for answer, *messages in zip(answers, objects, rejections, strict=True):
        read = scene_of_messages(*messages)
        for a, b in zip(answer.update.objects, read.objects, strict=True):
            assert (a.object_id, a.label, a.state, a.detection) == (b.object_id, b.label, b.state, b.detection)
            np.testing.assert_array_equal(a.mesh.triangles, b.mesh.triangles)
            np.testing.assert_array_equal(a.mesh.vertex_colors, b.mesh.vertex_colors)
            np.testing.assert_allclose(a.T_ref_obj.as_matrix(), b.T_ref_obj.as_matrix(), atol=1e-12)
        assert read.rejections == answer.update.rejections


def test_records_pair_what_was_published_with_frame_truth_and_camera(answers, scene):
    path, shots = scene
    updates = {answer.update.stamp_ns: answer.update for answer in answers[1:3]}
    truth = {shot.frame.stamp_ns: shot.truth for shot in shots}
    with Bag(path) as bag:
        records = published_records(bag, find_inputs(bag.topics, {}), updates, target_frame="map", truth=truth)
    assert [record.frame.stamp_ns for record in records] == sorted(updates)
    for record, shot in zip(records, shots[1:3], strict=True):
        np.testing.assert_allclose(record.T_ref_cam.as_matrix(), shot.T_world_cam.as_matrix(), atol=1e-9)
        true = {item.label: item.T_cam_obj.translation_xyz for item in record.truth}
        for item in record.seen_objects():
            assert np.linalg.norm(record.T_cam_obj(item).translation_xyz - true[item.label]) < 0.08


def test_figures_are_percentiles_of_what_was_added():
    figures = RunFigures()
    for value in range(101):
        figures.add_latencies({"stage": float(value)})
    latency = figures.latencies["stage"]
    assert dataclasses.astuple(latency) == (101, 50.0, 95.0)
    assert "stage" in figures.table()
    assert figures.as_json()["latency_ms"]["stage"]["p95_ms"] == 95.0
