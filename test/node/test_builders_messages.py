"""Messages built from the scene: stamps, frames, numbers, and that meshes travel unchanged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="rclpy is missing: run make setup")
pytest.importorskip("sam3d_ros.msg", reason="the generated messages are missing: run make setup")

from rclpy.serialization import deserialize_message, serialize_message
from sam3d_ros.msg import ReconstructedObject, ReconstructedObjectArray

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.messages.names import OutputNames
from sam3d_ros.node.builders.common import pose_message, pose_with_covariance, stamp_message
from sam3d_ros.node.builders.figures import build_key_values
from sam3d_ros.node.builders.objects import PackedMeshes, build_coarse, build_objects, pack_mesh
from sam3d_ros.node.builders.points import SurfaceClouds
from sam3d_ros.node.builders.rejections import build_rejections
from sam3d_ros.node.builders.transforms import build_transforms
from sam3d_ros.pipeline import Detection, Quality, Reconstruction, Rejection, RejectionReason
from sam3d_ros.tracking.scene import ObjectState, SceneObject, SceneUpdate

pytestmark = pytest.mark.ros
NAMES = OutputNames("optical", "thing_")
STAMP = 1_700_000_000_123_456_789
COVARIANCE = np.arange(36.0).reshape(6, 6)
NAN = float("nan")


def slab(shift=0.0):
    """A box of 0.2 x 0.1 x 0.05 m, its corners coloured one by one."""
    vertices = shift + np.array([[x, y, z] for x in (-0.1, 0.1) for y in (-0.05, 0.05) for z in (-0.025, 0.025)])
    triangles = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    triangles += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    return Mesh(vertices, np.array(triangles), np.arange(24, dtype=np.uint8).reshape(8, 3))


def scene_object(object_id=1, **changes):
    values = {
        "object_id": object_id,
        "label": object_id + 10,
        "detection": Detection("cup", 0.75),
        "state": ObjectState.COMPLETE,
        "mesh": slab(),
        "mesh_version": 1,
        "T_ref_obj": SE3(np.array([0.1, 0.7, -0.5, 0.5]), np.array([0.1, -0.2, 0.8])),
        "covariance": COVARIANCE,
        "scale": 0.2,
        "quality": Quality(0.002, 0.9, 0.8, 0.05, 321, "depth"),
        "stamp_ns": STAMP,
        "latency_ms": {"mesh": 12.5, "register": 3.0},
    }
    return SceneObject(**{**values, **changes})


def scene(*objects, removed=()):
    return SceneUpdate(STAMP, objects, (), tuple(removed), final=True)


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def matrix_of(pose):
    q, p = pose.orientation, pose.position
    return SE3(np.array([q.w, q.x, q.y, q.z]), np.array([p.x, p.y, p.z])).as_matrix()


def assert_header(header, frame_id="optical"):
    assert header.stamp.sec * 10**9 + header.stamp.nanosec == STAMP
    assert header.frame_id == frame_id


@settings(deadline=None)
@given(st.integers(0, 2**31 * 10**9 - 1))
def test_stamps_keep_every_nanosecond(stamp_ns):
    message = stamp_message(stamp_ns)
    assert message.sec * 10**9 + message.nanosec == stamp_ns


numbers = st.floats(-10, 10)


@settings(deadline=None)
@given(
    st.tuples(numbers, numbers, numbers, numbers).filter(lambda q: np.linalg.norm(q) > 0.1), st.tuples(*[numbers] * 3)
)
def test_a_pose_message_is_the_same_transform(quat, xyz):
    pose = SE3(np.array(quat), np.array(xyz))
    np.testing.assert_allclose(matrix_of(pose_message(pose)), pose.as_matrix(), atol=1e-12)


def test_covariance_goes_row_by_row():
    message = pose_with_covariance(SE3.identity(), COVARIANCE.T)
    np.testing.assert_array_equal(np.reshape(message.covariance, (6, 6)), COVARIANCE.T)


class TestObjects:
    def test_every_field_of_an_object_arrives(self):
        item = scene_object(7)
        sent = build_objects(scene(item), NAMES, PackedMeshes(), mesh_files={7: "/tmp/cup.glb"})
        message = over_the_wire(sent)
        assert_header(message.header)
        (got,) = message.objects
        assert (got.id, got.label, got.child_frame_id) == (7, 17, "thing_7")
        assert (got.class_id, got.class_score, got.state) == ("cup", 0.75, ReconstructedObject.STATE_COMPLETE)
        np.testing.assert_allclose(matrix_of(got.pose.pose), item.T_ref_obj.as_matrix(), atol=1e-12)
        np.testing.assert_array_equal(got.pose.covariance, COVARIANCE.ravel())
        np.testing.assert_allclose([got.size.x, got.size.y, got.size.z], [0.2, 0.1, 0.05], atol=1e-7)
        assert (got.scale, got.mesh_version, got.mesh_file) == (0.2, 1, "/tmp/cup.glb")
        assert got.quality.residual_rms == pytest.approx(0.002)
        assert got.quality.free_space == pytest.approx(0.05)
        assert got.quality.score == pytest.approx(0.9 * 0.8 * 0.95)
        assert (got.quality.depth_points, got.quality.scale_source) == (321, "depth")
        assert [(entry.stage, entry.milliseconds) for entry in got.latency] == [("mesh", 12.5), ("register", 3.0)]

    def test_the_mesh_travels_unchanged(self):
        got = over_the_wire(pack_mesh(slab()))
        np.testing.assert_array_equal(np.reshape(got.vertices, (-1, 3)), slab().vertices)
        np.testing.assert_array_equal(np.reshape(got.triangles, (-1, 3)), slab().triangles)
        np.testing.assert_array_equal(np.reshape(got.vertex_colors, (-1, 3)), slab().vertex_colors)

    @pytest.mark.parametrize("state", list(ObjectState))
    def test_states_keep_their_names(self, state):
        message = build_objects(scene(scene_object(state=state)), NAMES, PackedMeshes())
        assert message.objects[0].state == getattr(ReconstructedObject, f"STATE_{state.name}")

    def test_an_object_says_when_it_was_measured_last(self):
        unseen = scene_object(state=ObjectState.UNSEEN, stamp_ns=STAMP - 1_500_000_000)
        message = over_the_wire(build_objects(scene(unseen), NAMES, PackedMeshes()))
        assert_header(message.header)
        measured = message.objects[0].measured
        assert measured.sec * 10**9 + measured.nanosec == STAMP - 1_500_000_000

    def test_an_object_without_detection_has_no_class(self):
        message = build_objects(scene(scene_object(detection=None)), NAMES, PackedMeshes())
        assert (message.objects[0].class_id, message.objects[0].class_score) == ("", 0.0)

    def test_figures_that_were_not_measured_are_nan(self):
        message = build_objects(scene(scene_object(quality=Quality())), NAMES, PackedMeshes())
        assert np.isnan(over_the_wire(message).objects[0].quality.mask_iou)

    def test_a_mesh_is_packed_once_for_each_version(self):
        meshes = PackedMeshes()
        first = meshes.get(scene_object())
        assert meshes.get(scene_object()) is first
        assert meshes.get(scene_object(mesh_version=2)) is not first

    def test_on_change_sends_each_version_once(self):
        meshes = PackedMeshes()
        counts = []
        for version in (1, 1, 2, 2):
            update = scene(scene_object(mesh_version=version))
            message = build_objects(update, NAMES, meshes, only_new_meshes=True)
            counts.append(len(message.objects[0].mesh.vertices))
        assert counts == [24, 0, 24, 0]

    def test_the_cache_forgets_objects_that_are_gone(self):
        meshes = PackedMeshes()
        for object_id in range(1, 50):
            build_objects(scene(scene_object(object_id)), NAMES, meshes)
        assert len(meshes) == 1

    def test_an_empty_scene_is_an_empty_array_with_its_stamp(self):
        message = over_the_wire(build_objects(scene(), NAMES, PackedMeshes()))
        assert_header(message.header)
        assert message == ReconstructedObjectArray(header=message.header)

    def test_a_coarse_reconstruction_has_its_label_and_pose(self):
        pose = SE3(np.array([1.0, 0, 0, 0]), np.array([0.0, 0.0, 0.6]))
        coarse = Reconstruction(9, slab(), pose, 0.2, Quality(), np.eye(6), {"stage 1": 4.0}, coarse=True)
        got = over_the_wire(build_coarse(coarse))
        assert (got.label, got.id, got.state) == (9, 0, ReconstructedObject.STATE_COARSE)
        assert got.pose.pose.position.z == 0.6
        assert len(got.mesh.triangles) == 36


class TestRejections:
    def test_reason_and_detail_arrive_under_the_header_of_the_image(self):
        rejection = Rejection(3, RejectionReason.TOO_FEW_DEPTH_POINTS, "12 points, 40 are needed")
        message = over_the_wire(build_rejections([rejection], stamp_ns=STAMP, frame_id="optical"))
        assert_header(message.header)
        (got,) = message.rejections
        assert (got.label, got.reason, got.detail) == (3, "too_few_depth_points", "12 points, 40 are needed")

    def test_no_rejection_is_an_empty_array(self):
        assert build_rejections([], stamp_ns=STAMP, frame_id="optical").rejections == []


class TestDetections:
    @pytest.fixture(autouse=True)
    def detections(self):
        pytest.importorskip("vision_msgs", reason="vision_msgs is missing: run make setup")

    def build(self, *objects):
        from sam3d_ros.node.builders.detections import build_detections

        return over_the_wire(build_detections(scene(*objects), NAMES))

    def test_a_detection_has_id_class_pose_and_box(self):
        item = scene_object(7)
        message = self.build(item)
        (got,) = message.detections
        assert_header(message.header)
        assert_header(got.header)
        assert got.id == "7"
        (result,) = got.results
        assert (result.hypothesis.class_id, result.hypothesis.score) == ("cup", 0.75)
        np.testing.assert_allclose(matrix_of(result.pose.pose), item.T_ref_obj.as_matrix(), atol=1e-12)
        np.testing.assert_array_equal(result.pose.covariance, COVARIANCE.ravel())
        np.testing.assert_allclose(matrix_of(got.bbox.center), item.T_ref_obj.as_matrix(), atol=1e-8)
        np.testing.assert_allclose([got.bbox.size.x, got.bbox.size.y, got.bbox.size.z], [0.2, 0.1, 0.05], atol=1e-7)

    def test_the_box_encloses_a_mesh_that_is_not_centred(self):
        item = scene_object(mesh=slab(shift=0.3))
        (got,) = self.build(item).detections
        p_ref = item.T_ref_obj.apply(item.mesh.vertices)
        p_box = SE3.from_matrix(matrix_of(got.bbox.center)).inverse().apply(p_ref)
        half = np.array([got.bbox.size.x, got.bbox.size.y, got.bbox.size.z]) / 2
        np.testing.assert_allclose(np.abs(p_box), np.broadcast_to(half, (8, 3)), atol=1e-6)


class TestTransforms:
    def test_the_child_is_posed_in_the_output_frame_at_the_image_stamp(self):
        item = scene_object(7)
        (got,) = build_transforms(scene(item), NAMES)
        assert_header(got.header)
        assert got.child_frame_id == "thing_7"
        t, q = got.transform.translation, got.transform.rotation
        found = SE3(np.array([q.w, q.x, q.y, q.z]), np.array([t.x, t.y, t.z]))
        np.testing.assert_allclose(found.as_matrix(), item.T_ref_obj.as_matrix(), atol=1e-12)

    def test_every_object_of_the_update_gets_its_transform(self):
        update = scene(scene_object(1), scene_object(2))
        assert [message.child_frame_id for message in build_transforms(update, NAMES)] == ["thing_1", "thing_2"]


class TestPoints:
    def read(self, message):
        dtype = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("rgb", "<u4")])
        assert [(field.name, field.offset) for field in message.fields] == [("x", 0), ("y", 4), ("z", 8), ("rgb", 12)]
        return np.frombuffer(message.data, dtype)

    def test_points_lie_on_the_posed_surface_and_carry_its_colours(self):
        mesh = slab()
        red = Mesh(mesh.vertices, mesh.triangles, np.tile(np.array([200, 100, 50], np.uint8), (8, 1)))
        item = scene_object(mesh=red)
        message = over_the_wire(SurfaceClouds(spacing=0.005).build(scene(item), NAMES))
        assert_header(message.header)
        points = self.read(message)
        assert (message.height, message.width, message.is_dense) == (1, len(points), True)
        # 0.07 m2 of surface with one point on each 25 mm2.
        assert len(points) == pytest.approx(2800, abs=2)
        p_obj = item.T_ref_obj.inverse().apply(np.stack([points["x"], points["y"], points["z"]], 1))
        distance = np.abs(np.abs(p_obj) - [0.1, 0.05, 0.025]).min(axis=1)
        assert distance.max() < 1e-6
        assert set(points["rgb"].tolist()) == {200 << 16 | 100 << 8 | 50}

    def test_the_cloud_moves_with_the_object_without_new_samples(self):
        clouds = SurfaceClouds()
        still, moved = (
            scene_object(T_ref_obj=SE3.identity()),
            scene_object(T_ref_obj=SE3(np.array([1.0, 0, 0, 0]), np.array([0.0, 0.0, 1.0]))),
        )
        first, second = (self.read(clouds.build(scene(item), NAMES)) for item in (still, moved))
        np.testing.assert_allclose(second["z"] - first["z"], 1.0, atol=1e-6)
        np.testing.assert_array_equal(second["x"], first["x"])

    def test_a_large_object_is_capped(self):
        message = SurfaceClouds(spacing=0.001, max_points=500).build(scene(scene_object(1), scene_object(2)), NAMES)
        assert message.width == 1000

    def test_a_mesh_without_area_gives_no_points(self):
        empty = Mesh(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3)))
        assert SurfaceClouds().build(scene(scene_object(mesh=empty)), NAMES).width == 0


def test_figures_become_short_text():
    values = build_key_values(
        {"rate": 29.97123, "age": NAN, "last": None, "real": True, "drops": 12345678, "dev": "cpu"}
    )
    assert [(item.key, item.value) for item in values] == [
        ("rate", "29.97"),
        ("age", "unknown"),
        ("last", "unknown"),
        ("real", "yes"),
        ("drops", "12345678"),
        ("dev", "cpu"),
    ]
