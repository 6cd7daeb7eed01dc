"""One frame in, everything out: the topics of an active node, over DDS."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

pytest.importorskip("rclpy")

from sam3d_ros.msg import ReconstructedObject, ReconstructedObjectArray
from sensor_msgs.msg import CompressedImage, PointCloud2
from visualization_msgs.msg import Marker, MarkerArray

pytestmark = pytest.mark.ros


def test_a_frame_becomes_objects_with_meshes_poses_and_quality(rig, messages):
    objects, rejections = rig.exchange(10.5)
    assert rejections == []
    assert [item.label for item in objects.objects] == [3, 7]
    assert objects.header.frame_id == "camera_color_optical_frame"
    for item in objects.objects:
        assert item.state == ReconstructedObject.STATE_COMPLETE
        assert item.pose.pose.position.z == pytest.approx(0.8, abs=0.1)
        assert len(item.mesh.vertices) % 3 == 0
        assert len(item.mesh.triangles) >= 36
        assert len(item.mesh.vertex_colors) == len(item.mesh.vertices)
        assert item.quality.residual_rms < 0.02
        assert item.latency
        assert np.linalg.eigvalsh(np.reshape(item.pose.covariance, (6, 6))).min() > 0


def test_the_transform_of_an_object_is_its_pose_at_the_stamp_of_the_image(rig, messages):
    objects, _ = rig.exchange(10.5)
    transforms = rig.until(
        lambda: [t for m in rig.received["tf"] for t in m.transforms if messages.stamp_of(t) == 10.5], "transforms"
    )
    newest = {t.child_frame_id: t for t in transforms}
    for item in objects.objects:
        transform = newest[item.child_frame_id]
        assert item.child_frame_id == f"object_{item.id}"
        assert transform.header.frame_id == "camera_color_optical_frame"
        p, t = item.pose.pose.position, transform.transform.translation
        assert (p.x, p.y, p.z) == pytest.approx((t.x, t.y, t.z))
        assert item.pose.pose.orientation == transform.transform.rotation


def test_detections_carry_stable_ids_poses_and_boxes(rig, messages):
    objects, _ = rig.exchange(10.5)
    detections = rig.until(lambda: rig.received["detections"], "detections")[-1]
    assert messages.stamp_of(detections) == 10.5
    assert [d.id for d in detections.detections] == [str(item.id) for item in objects.objects]
    for detection, item in zip(detections.detections, objects.objects, strict=True):
        assert detection.results[0].pose == item.pose
        assert detection.bbox.size == item.size


def test_mesh_markers_hang_on_the_frames_of_their_objects_and_labels_do_not(rig):
    objects, _ = rig.exchange(10.5)
    children = {item.id: item.child_frame_id for item in objects.objects}

    def newest() -> dict:
        markers = [m for array in rig.received["markers"] for m in array.markers]
        found = {(m.ns, m.id): m for m in markers if m.action == Marker.ADD}
        return found if len(found) == 3 * len(children) else {}

    markers = rig.until(newest, "mesh, label and box of each object")
    for number, child in children.items():
        mesh = markers["mesh", number]
        assert mesh.header.frame_id == child
        assert mesh.frame_locked
        assert (mesh.scale.x, mesh.scale.y, mesh.scale.z) == (1, 1, 1)
        assert len(mesh.points) == len(mesh.colors) > 0
        assert markers["label", number].header.frame_id == "camera_color_optical_frame"
        assert markers["box", number].pose == objects.objects[number - 1].pose.pose


def test_the_coarse_object_comes_before_the_complete_one_under_the_same_id(rig, messages):
    rig.exchange(10.5, messages.Picture({3: (40, 30)}))
    history = [(item.id, item.state, item.mesh_version) for m in rig.received["objects"] for item in m.objects]
    assert history == [
        (1, ReconstructedObject.STATE_COARSE, 1),
        (1, ReconstructedObject.STATE_COMPLETE, 2),
    ]
    assert all(messages.stamp_of(m) == 10.5 for m in rig.received["objects"])


def test_a_known_object_keeps_id_and_mesh_while_its_pose_follows(rig, messages):
    first, _ = rig.exchange(10.0, messages.Picture({3: (40, 30)}))
    second, _ = rig.exchange(10.1, messages.Picture({3: (40, 34)}))
    (before,), (after,) = first.objects, second.objects
    assert (after.id, after.mesh_version) == (before.id, before.mesh_version)
    moved = after.pose.pose.position.x - before.pose.pose.position.x
    assert moved == pytest.approx(4 / 150 * 0.8, abs=0.006)
    assert rig.backends[0].label_calls[3] == 1


def test_a_late_subscriber_gets_objects_and_markers(rig, messages):
    rig.exchange(10.5)
    late_objects = rig.listen("sam3d/objects", ReconstructedObjectArray, messages.LATCHED)
    late_markers = rig.listen("sam3d/markers", MarkerArray, messages.LATCHED)
    rig.until(lambda: late_objects, "latched objects")
    assert len(late_objects[-1].objects) == 2
    rig.until(lambda: len(late_markers) >= 2, "latched meshes and labels")
    assert {m.ns for array in late_markers for m in array.markers} == {"mesh", "label", "box"}


def test_an_object_whose_mask_is_gone_is_unseen_and_then_removed_with_its_markers(make_rig, messages):
    rig = make_rig(max_age=0.3).up()
    rig.exchange(10.0)
    objects, _ = rig.exchange(10.2, messages.Picture({3: (40, 30)}))
    assert [item.state for item in objects.objects] == [
        ReconstructedObject.STATE_COMPLETE,
        ReconstructedObject.STATE_UNSEEN,
    ]
    objects, _ = rig.exchange(10.5, messages.Picture({3: (40, 30)}))
    assert [item.id for item in objects.objects] == [1]

    def deleted() -> set:
        markers = [m for array in rig.received["markers"] for m in array.markers]
        return {m.ns for m in markers if m.action == Marker.DELETE and m.id == 2}

    rig.until(lambda: deleted() == {"mesh", "label", "box"}, "deletion of the markers")


def test_detections_in_give_class_and_score_to_the_objects(rig, messages):
    detections = messages.detections_message({3: "cup", 7: "box"})
    rig.publisher("detections", type(detections)).publish(messages.stamped(detections, 10.5))
    rig.spin(0.2)
    objects, _ = rig.exchange(10.5)
    assert [(item.class_id, item.class_score) for item in objects.objects] == [("cup", 0.75), ("box", 0.75)]


def test_the_surface_cloud_is_published_once_somebody_listens(rig):
    rig.exchange(10.0)
    clouds = rig.listen("sam3d/points", PointCloud2)
    rig.spin(0.3)
    rig.exchange(10.1)
    cloud = rig.until(lambda: clouds, "the cloud")[-1]
    assert cloud.width * cloud.height > 100
    assert cloud.header.frame_id == "camera_color_optical_frame"


def test_colour_may_come_compressed(make_rig, messages):
    rig = make_rig(image_transport="compressed").up()
    buffer = io.BytesIO()
    Pillow.fromarray(messages.Picture().color).save(buffer, format="JPEG", quality=95)
    compressed = CompressedImage(format="rgb8; jpeg compressed bgr8", data=buffer.getvalue())
    objects, rejections = rig.exchange(10.5, image=None, image__compressed=compressed)
    assert rejections == []
    assert len(objects.objects) == 2


def test_depth_may_come_as_an_organised_cloud(make_rig, messages):
    rig = make_rig(depth_source="points").up()
    cloud = messages.cloud_message(messages.Picture().depth_mm)
    objects, rejections = rig.exchange(10.5, depth=None, points=cloud)
    assert rejections == []
    assert [item.pose.pose.position.z for item in objects.objects] == pytest.approx([0.8, 0.8], abs=0.1)


def test_diagnostics_name_model_rates_matches_and_objects(rig):
    for number in range(5):
        rig.exchange(10 + number / 10)
    assert "fake on cpu" in rig.status("model", containing="latency").message
    inputs = rig.status("inputs", containing="5 received")
    assert inputs.level == b"\x00"
    assert f"{rig.namespace}/depth" in "".join(item.value for item in inputs.values)
    assert rig.status("synchronisation", containing="matched sets: 5").message == "hit rate 1.00"
    assert rig.status("objects", containing="frames processed: 5").message == "2 objects alive"
