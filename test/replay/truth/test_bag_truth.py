"""The truth of a bag: from a file, by TF, by true detections, and which mask shows what."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, PinholeCamera
from sam3d_ros.geometry.mesh_io import write_mesh
from sam3d_ros.replay.bags.bag import Bag, BagError
from sam3d_ros.replay.bags.bag_frames import BagFrames, read_transforms
from sam3d_ros.replay.bags.topics import find_inputs
from sam3d_ros.replay.truth.bag_truth import load_bag_truth
from sam3d_ros.replay.truth.mask_pairing import pair_with_masks
from sam3d_ros.replay.truth.true_detections import DETECTIONS_3D
from sam3d_ros.replay.truth.truth_file import KnownObject, read_truth_file, write_truth_file
from sam3d_ros.training.synthetic import SceneConfig, SequenceConfig, film
from sam3d_ros.training.synthetic.bag import tf_message, write_shots, write_truth

from ..true_poses import TRUE_TOPIC, add_to_bag, true_detections

CAMERA = PinholeCamera(160, 120, 152.0, 152.0, 79.5, 59.5)
CONFIG = SequenceConfig(SceneConfig(seed=3, props=("mug", "can")), camera=CAMERA, frames=3)


@pytest.fixture(scope="module")
def shots():
    return list(film(CONFIG))


@pytest.fixture
def scene(shots, tmp_path):
    path = tmp_path / "scene.mcap"
    write_shots(path, shots)
    return path


def truths_of(path, **options):
    """What is said to be true at each frame."""
    with Bag(path) as bag:
        truth = load_bag_truth(bag, read_transforms(bag), **options)
        if truth is None:
            return None, None
        return [truth.at(messages) for messages in BagFrames(bag, find_inputs(bag.topics, {}))], truth


def check_poses(found, shots, *, tolerance=1e-6):
    assert len(found) == len(shots)
    for items, shot in zip(found, shots, strict=True):
        expected = {item.name: item.T_cam_obj for item in shot.truth}
        assert {item.name.removesuffix("_1") for item in items} == set(expected)
        for item in items:
            difference = item.T_cam_obj.as_matrix() - expected[item.name.removesuffix("_1")].as_matrix()
            assert np.abs(difference).max() < tolerance


def test_nothing_known_is_none(scene):
    assert truths_of(scene) == (None, None)


def test_a_frame_of_the_bag_carries_the_truth_to_every_image(scene, shots):
    assert write_truth(scene, CONFIG.scene).name == "scene.objects.json"
    found, truth = truths_of(scene)
    check_poses(found, shots)
    assert truth.missing == {}
    labels = {item.name: item.label for item in found[0]}
    assert labels == {placed.prop.name: placed.label for placed in shots[0].objects}
    symmetries = {item.name: len(item.symmetries) for item in found[0]}
    assert symmetries == {"mug": 1, "can": 315}


def test_an_object_hangs_on_its_own_frame(scene, shots, tmp_path):
    mug = next(placed for placed in shots[0].objects if placed.prop.name == "mug")
    T_tag_obj = SE3.from_rotation(np.eye(3), np.array([0.01, 0.02, 0.03]))
    T_map_tag = mug.T_world_obj @ T_tag_obj.inverse()
    tags = [
        ("/tf", "tf2_msgs/msg/TFMessage", t, tf_message("map", "tag_7", T_map_tag, t))
        for t in (shots[0].frame.stamp_ns, shots[-1].frame.stamp_ns)
    ]
    add_to_bag(scene, tmp_path / "tagged.mcap", tags)
    write_truth_file(
        tmp_path / "objects.json", [KnownObject("mug", mug.prop.mesh, frame="tag_7", T_frame_obj=T_tag_obj)]
    )
    found, _ = truths_of(tmp_path / "tagged.mcap")
    for items, shot in zip(found, shots, strict=True):
        (item,) = items
        true = next(other for other in shot.truth if other.name == "mug")
        np.testing.assert_allclose(item.T_cam_obj.as_matrix(), true.T_cam_obj.as_matrix(), atol=1e-6)
        assert item.label == 0


def test_true_detections_place_meshes_and_are_boxes_without(scene, shots, tmp_path):
    bag = tmp_path / "detected.mcap"
    add_to_bag(scene, bag, [(TRUE_TOPIC, DETECTIONS_3D, s.frame.stamp_ns, true_detections(s)) for s in shots])
    found, _ = truths_of(bag)
    for items, shot in zip(found, shots, strict=True):
        assert {item.name for item in items} == {"mug_1", "can_1"}
        for item in items:
            assert item.box_only
            true = next(other for other in shot.truth if other.name == item.category)
            np.testing.assert_allclose(item.mesh.extents, true.mesh.extents, atol=1e-6)
            middle = item.T_cam_obj.translation_xyz - true.T_cam_obj.apply(true.mesh.box_centre)
            assert np.abs(middle).max() < 1e-6
    known = [KnownObject(p.prop.name, p.prop.mesh, detection=f"{p.prop.name}_1") for p in shots[0].objects]
    write_truth_file(tmp_path / "objects.json", known)
    found, _ = truths_of(bag)
    check_poses(found, shots)
    assert not any(item.box_only for items in found for item in items)


def test_what_cannot_be_placed_is_left_out_and_said(scene, shots, tmp_path):
    mug = shots[0].objects[0].prop.mesh
    known = [KnownObject("here", mug, frame="map"), KnownObject("lost", mug, frame="nowhere")]
    write_truth_file(tmp_path / "objects.json", known)
    found, truth = truths_of(scene)
    assert [[item.name for item in items] for items in found] == [["here"]] * len(shots)
    assert set(truth.missing) == {"lost"}
    assert "nowhere" in truth.missing["lost"]


def test_masks_are_paired_by_where_the_objects_are(shots):
    for shot in shots:
        free = [dataclasses.replace(item, label=0) for item in reversed(shot.truth)]
        paired = pair_with_masks(free, shot.frame)
        assert {item.name: item.label for item in paired} == {item.name: item.label for item in shot.truth}


def test_a_label_that_is_given_is_kept_and_an_object_without_mask_gets_none(shots):
    shot = shots[0]
    first, second = shot.truth
    hidden = dataclasses.replace(second, label=0)
    frame = dataclasses.replace(shot.frame, labels=np.where(shot.frame.labels == second.label, 0, shot.frame.labels))
    paired = pair_with_masks([first, hidden], frame)
    assert {item.name: item.label for item in paired} == {first.name: first.label, second.name: 0}


def broken(tmp_path, **changes):
    write_mesh(tmp_path / "m.ply", next(iter(film(CONFIG))).truth[0].mesh)
    entry = {"mesh": "m.ply", "frame": "map"} | changes
    path = tmp_path / "truth.json"
    path.write_text(json.dumps([{key: value for key, value in entry.items() if value is not None}]))
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frame": None}, "needs exactly one of T_cam_obj, frame, detection, got none"),
        ({"detection": "x"}, "needs exactly one of T_cam_obj, frame, detection, got frame, detection"),
        ({"frame": ""}, "frame must be a name, got ''"),
        ({"mesh": "none.ply"}, "mesh 'none.ply' cannot be read"),
        ({"mesh": 3}, "mesh must name a file, got 3"),
        ({"id": 0}, "id must be a whole number from 1"),
        ({"T_frame_obj": [[1, 2], [3, 4]]}, "T_frame_obj is no rigid 4x4"),
        ({"symmetries_continuous": [{"axis": [0, 0, 0], "offset": [0, 0, 0]}]}, "not a symmetry"),
    ],
)
def test_a_broken_entry_is_named(tmp_path, changes, words):
    with pytest.raises(BagError, match="object 0") as error:
        read_truth_file(broken(tmp_path, **changes))
    assert words in str(error.value)


def test_a_topic_that_is_missing_or_another_kind_is_refused(scene, tmp_path):
    with pytest.raises(BagError, match="--truth-topic /tf is tf2_msgs/msg/TFMessage, not a vision_msgs"):
        truths_of(scene, topic="/tf")
    with pytest.raises(BagError, match="--truth-topic /x is not in the bag"):
        truths_of(scene, topic="/x")
    path = broken(tmp_path, frame=None, detection="mug_1")
    with pytest.raises(BagError, match="no topic of true detections was found; name it with --truth-topic"):
        truths_of(scene, file=path)


def test_a_truth_file_is_read_as_it_was_written(tmp_path, shots):
    write_truth_file(tmp_path / "a.objects.json", [KnownObject("mug 1", shots[0].truth[0].mesh, label=4, frame="map")])
    (item,) = read_truth_file(tmp_path / "a.objects.json")
    assert (item.name, item.label, item.frame) == ("mug 1", 4, "map")
    np.testing.assert_array_equal(item.mesh.triangles, shots[0].truth[0].mesh.triangles)
    assert (tmp_path / "a.objects" / "mug_1.ply").is_file()
