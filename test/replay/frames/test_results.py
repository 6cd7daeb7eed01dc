"""Results on disk: the list that programs read, the meshes beside it, and no harm to what was there before."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.mesh_io import read_mesh
from sam3d_ros.pipeline import Detection, Frame, Quality, Rejection, RejectionReason
from sam3d_ros.replay.frames.results import FrameRecord, ResultsError, write_frame_results
from sam3d_ros.tracking import ObjectState, SceneObject, SceneUpdate

CAMERA = PinholeCamera(16, 12, 20.0, 20.0, 7.5, 5.5)
POSE = SE3(np.array([0.5, 0.5, -0.5, 0.5]), np.array([0.1, 0.2, 0.9]))


def mesh() -> Mesh:
    vertices = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.2]])
    return Mesh(vertices, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]), np.full((4, 3), 99))


def scene_object(label: int, **changes) -> SceneObject:
    values = {
        "object_id": 10 + label,
        "label": label,
        "detection": None,
        "state": ObjectState.COMPLETE,
        "mesh": mesh(),
        "mesh_version": 1,
        "T_ref_obj": POSE,
        "covariance": np.eye(6),
        "scale": 0.2,
        "quality": Quality(residual_rms=0.002, depth_points=50),
        "stamp_ns": 0,
        "latency_ms": {"shape": 12.5},
    }
    return SceneObject(**(values | changes))


def record(*objects: SceneObject, rejections=(), name="frame", **changes) -> FrameRecord:
    labels = np.zeros((12, 16), np.int32)
    for label in [item.label for item in objects] + [item.label for item in rejections]:
        labels[label % 12, label % 16] = label
    frame = Frame(np.zeros((12, 16, 3), np.uint8), np.full((12, 16, 3), np.nan, np.float32), labels, CAMERA)
    return FrameRecord(name, frame, SceneUpdate(0, objects, tuple(rejections), (), True), **changes)


def read(path):
    return json.loads(path.read_text(), parse_constant=pytest.fail)


def test_objects_are_a_list_with_what_the_format_promises(tmp_path):
    folder = write_frame_results(tmp_path, record(scene_object(4), scene_object(2)))
    first, second = read(folder / "objects.json")
    assert [first["id"], second["id"]] == [2, 4]
    assert set(first) == {"id", "mesh", "T_cam_obj", "scale", "quality", "latency_ms"}
    np.testing.assert_allclose(first["T_cam_obj"], POSE.as_matrix())
    assert first["scale"] == 0.2
    assert first["latency_ms"] == {"shape": 12.5}
    assert first["quality"]["residual_rms"] == 0.002


def test_figures_that_were_not_measured_are_null_and_the_file_is_strict_json(tmp_path):
    folder = write_frame_results(tmp_path, record(scene_object(1)))
    assert read(folder / "objects.json")[0]["quality"]["mask_iou"] is None


def test_class_and_score_are_written_where_a_detector_gave_them(tmp_path):
    folder = write_frame_results(tmp_path, record(scene_object(1, detection=Detection("mug", 0.75))))
    entry = read(folder / "objects.json")[0]
    assert (entry["class"], entry["score"]) == ("mug", 0.75)


def test_rejections_are_a_list_of_their_own(tmp_path):
    rejection = Rejection(3, RejectionReason.EMPTY_MASK, "no pixel carries label 3")
    folder = write_frame_results(tmp_path, record(rejections=[rejection]))
    assert read(folder / "objects.json") == []
    assert read(folder / "rejections.json") == [{"id": 3, "reason": "empty_mask", "detail": "no pixel carries label 3"}]


def test_every_format_holds_the_same_mesh(tmp_path):
    folder = write_frame_results(tmp_path, record(scene_object(7)), formats=("glb", "obj", "ply"))
    assert read(folder / "objects.json")[0]["mesh"] == "object_007.ply"
    assert (folder / "object_007.ply").read_bytes().startswith(b"ply\nformat binary_little_endian")
    for suffix in ("ply", "glb", "obj"):
        again = read_mesh(folder / f"object_007.{suffix}")
        np.testing.assert_allclose(again.vertices, mesh().vertices, atol=1e-6)
        np.testing.assert_array_equal(again.vertex_colors, mesh().vertex_colors)


def test_poses_in_a_fixed_frame_come_out_in_the_camera_frame(tmp_path):
    T_ref_cam = SE3(np.array([1.0, 0.2, 0.1, -0.3]), np.array([1.0, 2.0, 3.0]))
    item = scene_object(1, T_ref_obj=T_ref_cam @ POSE)
    folder = write_frame_results(tmp_path, record(item, T_ref_cam=T_ref_cam))
    np.testing.assert_allclose(read(folder / "objects.json")[0]["T_cam_obj"], POSE.as_matrix(), atol=1e-12)


def test_objects_that_are_not_in_the_frame_are_left_out(tmp_path):
    folder = write_frame_results(tmp_path, record(scene_object(1), scene_object(1, state=ObjectState.UNSEEN)))
    assert len(read(folder / "objects.json")) == 1


def test_earlier_results_are_replaced_as_a_whole(tmp_path):
    write_frame_results(tmp_path, record(scene_object(1), scene_object(2)), formats=("glb",))
    folder = write_frame_results(tmp_path, record(scene_object(2)))
    assert sorted(path.name for path in folder.iterdir()) == ["object_002.ply", "objects.json", "rejections.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["frame"]


def test_a_folder_with_other_things_in_it_is_not_touched(tmp_path):
    (tmp_path / "frame").mkdir()
    (tmp_path / "frame" / "color.png").write_text("precious")
    with pytest.raises(ResultsError, match=r"holds color\.png"):
        write_frame_results(tmp_path, record(scene_object(1)))
    assert [path.name for path in (tmp_path / "frame").iterdir()] == ["color.png"]


def test_a_write_that_fails_leaves_the_earlier_results(tmp_path, monkeypatch):
    folder = write_frame_results(tmp_path, record(scene_object(1)))
    before = (folder / "objects.json").read_bytes()

    def full_disk(path, mesh):
        raise OSError("no space left on device")

    monkeypatch.setattr("sam3d_ros.tracking.object_files.write_mesh", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_frame_results(tmp_path, record(scene_object(2)))
    assert (folder / "objects.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["frame"]


def test_found_masks_are_written_so_that_ids_mean_something(tmp_path):
    item = record(scene_object(5))
    folder = write_frame_results(tmp_path, item, write_mask=True)
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "mask.png")), item.frame.labels)


def test_a_mask_without_answer_is_noticed():
    complete = record(scene_object(1), rejections=[Rejection(2, RejectionReason.TIMEOUT, "")])
    assert complete.unanswered_labels() == []
    complete.frame.labels[0, 0] = 9
    assert complete.unanswered_labels() == [9]


def test_a_rejection_of_the_whole_frame_answers_every_mask():
    item = record(rejections=[Rejection(0, RejectionReason.TRANSFORM_MISSING, "no transform")])
    item.frame.labels[0, 0] = 9
    assert item.unanswered_labels() == []
