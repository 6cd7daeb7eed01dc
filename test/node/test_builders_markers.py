"""Markers: our bytes are those of rclpy, and what they show is right."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("rclpy", reason="rclpy is missing: run make setup")

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from visualization_msgs.msg import Marker, MarkerArray

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.mesh_io import read_mesh
from sam3d_ros.messages.marker_data import MarkerAction, MarkerData, MarkerType, encode_markers, triangle_list
from sam3d_ros.messages.markers import MarkerConfig, MarkerForm, MeshMarkers, overlay_markers
from sam3d_ros.messages.names import OutputNames
from sam3d_ros.node.builders.marker_message import layout_is_known, marker_array_message, marker_payload
from sam3d_ros.pipeline import Detection, Quality
from sam3d_ros.tracking.scene import ObjectState, SceneObject, SceneUpdate

pytestmark = pytest.mark.ros
NAMES = OutputNames("optical", "thing_")
STAMP = 1_700_000_000_123_456_789


def cube(size=1.0):
    vertices = size * np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    triangles = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    triangles += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    return Mesh(vertices, np.array(triangles), np.arange(24, dtype=np.uint8).reshape(8, 3))


def sphere(rings=40):
    """A coloured globe of about 4 rings squared triangles."""
    theta, phi = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings), indexing="ij")
    vertices = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1).reshape(-1, 3)
    i, j = (grid.ravel() for grid in np.meshgrid(np.arange(rings - 1), np.arange(2 * rings - 1), indexing="ij"))
    a = i * 2 * rings + j
    triangles = np.concatenate(
        [np.stack([a, a + 2 * rings, a + 1], 1), np.stack([a + 1, a + 2 * rings, a + 1 + 2 * rings], 1)]
    )
    colors = np.rint(127.5 * (vertices + 1)).astype(np.uint8)
    return Mesh(0.1 * vertices, triangles, colors)


def scene_object(object_id=1, *, mesh=None, version=1, state=ObjectState.COMPLETE, detection=None, rms=0.0018):
    pose = SE3(np.array([0.5, 0.5, -0.5, 0.5]), np.array([0.1, -0.2, 0.8]))
    return SceneObject(
        object_id=object_id,
        label=object_id + 10,
        detection=detection,
        state=state,
        mesh=mesh if mesh is not None else cube(0.1),
        mesh_version=version,
        T_ref_obj=pose,
        covariance=np.eye(6),
        scale=0.1,
        quality=Quality(residual_rms=rms),
        stamp_ns=STAMP,
    )


def scene(*objects, removed=()):
    return SceneUpdate(STAMP, objects, (), tuple(removed), final=True)


def received(payload):
    return deserialize_message(payload, MarkerArray).markers


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)
floats = st.floats(-1e6, 1e6)
poses = st.builds(
    lambda q, t: SE3(np.array([1.5, *q]), np.array(t)), st.tuples(*[st.floats(-1, 1)] * 3), st.tuples(*[floats] * 3)
)
markers = st.builds(
    MarkerData,
    frame_id=texts,
    stamp_ns=st.integers(0, 2**31 * 10**9 - 1),
    ns=texts,
    marker_id=st.integers(-(2**31), 2**31 - 1),
    type=st.sampled_from(MarkerType),
    action=st.sampled_from(MarkerAction),
    T_frame_marker=poses,
    scale=st.tuples(floats, floats, floats),
    rgba=st.tuples(*[st.floats(0, 1, width=32)] * 4),
    lifetime_ns=st.integers(0, 10**12),
    frame_locked=st.booleans(),
    points=st.integers(0, 4).flatmap(lambda n: arrays(np.float64, (n, 3), elements=floats)),
    colors=st.integers(0, 4).flatmap(lambda n: arrays(np.float32, (n, 4), elements=st.floats(0, 1, width=32))),
    text=texts,
    mesh_resource=texts,
    use_embedded_materials=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(markers, max_size=4))
def test_our_bytes_are_those_of_rclpy(data):
    reference = marker_array_message(data)
    zeros, ones = (np.frombuffer(encode_markers(data, padding=fill), np.uint8) for fill in (0x00, 0xFF))
    theirs = np.frombuffer(serialize_message(reference), np.uint8)
    assert len(zeros) == len(theirs)
    # Bytes that only align the next field have no meaning, and Fast CDR leaves there what was in memory before.
    meaning = zeros == ones
    np.testing.assert_array_equal(zeros[meaning], theirs[meaning])
    assert deserialize_message(zeros.tobytes(), MarkerArray) == reference


def test_the_padding_is_all_that_is_left_out_of_the_comparison():
    marker = MarkerData("ab", 1, "cd", 2, MarkerType.CUBE)
    zeros, ones = (np.frombuffer(encode_markers([marker], padding=fill), np.uint8) for fill in (0x00, 0xFF))
    assert 0 < np.count_nonzero(zeros != ones) < 40


def test_the_layout_of_this_distribution_is_the_one_we_write():
    assert layout_is_known()
    assert isinstance(marker_payload([]), bytes)


def test_an_unknown_layout_falls_to_the_slow_message(monkeypatch):
    monkeypatch.setattr(Marker, "get_fields_and_field_types", lambda: {"header": "std_msgs/Header"})
    data = [MarkerData("a", 1, "b", 2, MarkerType.CUBE)]
    assert marker_payload(data) == marker_array_message(data)


def test_a_latched_marker_of_our_bytes_reaches_a_late_subscriber():
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        node = rclpy.create_node("markers", context=context)
        qos = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE)
        sent = MeshMarkers(NAMES, MarkerConfig()).update(scene(scene_object(mesh=sphere())))
        node.create_publisher(MarkerArray, "markers", qos).publish(marker_payload(sent))
        got = []
        node.create_subscription(MarkerArray, "markers", got.append, qos)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        deadline = time.monotonic() + 10
        while not got and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.05)
        executor.shutdown()
        assert got == [marker_array_message(sent)]
    finally:
        context.try_shutdown()


def test_a_mesh_marker_hangs_on_the_tf_frame_of_its_object():
    (marker,) = received(encode_markers(MeshMarkers(NAMES, MarkerConfig()).update(scene(scene_object(4)))))
    assert (marker.header.frame_id, marker.ns, marker.id, marker.frame_locked) == ("thing_4", "mesh", 4, True)
    assert (marker.type, marker.action) == (Marker.TRIANGLE_LIST, Marker.ADD)
    assert marker.header.stamp.sec * 10**9 + marker.header.stamp.nanosec == STAMP
    assert (marker.pose.orientation.w, marker.scale.x, marker.scale.y, marker.scale.z) == (1.0, 1.0, 1.0, 1.0)
    assert marker.lifetime.sec == marker.lifetime.nanosec == 0


def test_a_triangle_list_repeats_the_corners_with_their_colours():
    mesh = cube()
    points, colors = triangle_list(mesh)
    np.testing.assert_array_equal(points, mesh.vertices[mesh.triangles].reshape(-1, 3))
    np.testing.assert_allclose(colors[:, :3], mesh.vertex_colors[mesh.triangles].reshape(-1, 3) / 255, atol=1e-7)
    assert (colors[:, 3] == 1).all()


def test_meshes_are_sent_only_when_one_changes():
    meshes = MeshMarkers(NAMES, MarkerConfig())
    first, second = scene_object(1), scene_object(2)
    assert len(meshes.update(scene(first))) == 1
    assert meshes.update(scene(first)) is None
    assert [marker.marker_id for marker in meshes.update(scene(first, second))] == [1, 2]
    assert len(meshes.update(scene(scene_object(1, version=2), second))) == 2
    assert meshes.update(scene(scene_object(1, version=2), second)) is None


def test_a_removed_object_is_deleted_once_and_the_others_stay():
    meshes = MeshMarkers(NAMES, MarkerConfig())
    meshes.update(scene(scene_object(1), scene_object(2)))
    sent = meshes.update(scene(scene_object(2), removed=[1]))
    assert [(marker.marker_id, marker.action) for marker in sent] == [(1, MarkerAction.DELETE), (2, MarkerAction.ADD)]
    assert meshes.update(scene(scene_object(2))) is None


def test_clear_deletes_everything_and_starts_anew():
    meshes = MeshMarkers(NAMES, MarkerConfig())
    meshes.update(scene(scene_object(1)))
    assert [marker.action for marker in meshes.clear(STAMP)] == [MarkerAction.DELETE_ALL]
    assert len(meshes.update(scene(scene_object(1)))) == 1


def test_a_heavy_mesh_is_simplified_and_keeps_shape_and_colours():
    mesh = sphere()
    assert len(mesh.triangles) > 5000
    (marker,) = MeshMarkers(NAMES, MarkerConfig(max_triangles=800)).update(scene(scene_object(mesh=mesh)))
    assert 400 < len(marker.points) // 3 <= 800
    np.testing.assert_allclose(np.linalg.norm(marker.points, axis=1), 0.1, atol=0.005)
    assert np.abs(marker.colors[:, :3] - (marker.points / 0.1 + 1) / 2).mean() < 0.05


def test_a_mesh_resource_names_a_file_by_its_content(tmp_path):
    config = MarkerConfig(form=MarkerForm.MESH_RESOURCE, folder=tmp_path / "with space")
    objects = scene(scene_object(1), scene_object(2), scene_object(3, mesh=cube(0.3)))
    sent = MeshMarkers(NAMES, config).update(objects)
    assert {marker.type for marker in sent} == {MarkerType.MESH_RESOURCE}
    assert sent[0].mesh_resource == sent[1].mesh_resource != sent[2].mesh_resource
    assert sent[0].mesh_resource.startswith("file:///")
    assert "with%20space" in sent[0].mesh_resource
    files = sorted((tmp_path / "with space").iterdir())
    assert len(files) == 2
    name = sent[2].mesh_resource.rsplit("/", 1)[1]
    np.testing.assert_allclose(read_mesh(tmp_path / "with space" / name).extents, 0.3, atol=1e-6)
    assert all(len(marker.points) == 0 for marker in sent)


@pytest.mark.parametrize(
    ("options", "text"),
    [({"max_triangles": 3}, "at least 4, got 3"), ({"form": MarkerForm.MESH_RESOURCE}, "need a folder")],
)
def test_a_senseless_marker_configuration_is_refused(options, text):
    with pytest.raises(ValueError, match=text):
        MarkerConfig(**options)


def test_labels_tell_class_id_and_residual():
    cup = Detection("cup", 0.9)
    update = scene(scene_object(3, detection=cup), scene_object(4, state=ObjectState.COARSE, rms=float("nan")))
    labels = [marker.text for marker in overlay_markers(update, NAMES) if marker.ns == "label"]
    assert labels == ["cup 3  1.8 mm", "object 4  (coarse)"]


def test_the_box_has_the_twelve_edges_of_the_mesh_box_at_the_objects_pose():
    item = scene_object(3, mesh=cube(0.2))
    (box,) = (marker for marker in overlay_markers(scene(item), NAMES) if marker.ns == "box")
    edges = box.points.reshape(12, 2, 3)
    np.testing.assert_allclose(np.linalg.norm(edges[:, 0] - edges[:, 1], axis=1), 0.2, atol=1e-6)
    assert len({tuple(sorted(map(tuple, edge.round(4).tolist()))) for edge in edges}) == 12
    np.testing.assert_allclose(np.abs(box.points), 0.1, atol=1e-6)
    assert box.frame_id == "optical"
    np.testing.assert_array_equal(box.T_frame_marker.as_matrix(), item.T_ref_obj.as_matrix())


def test_the_label_floats_above_the_object_along_its_own_z():
    item = scene_object(3, mesh=cube(0.2))
    (label,) = (marker for marker in overlay_markers(scene(item), NAMES) if marker.ns == "label")
    offset = item.T_ref_obj.inverse().apply(label.T_frame_marker.translation_xyz)
    np.testing.assert_allclose(offset[:2], 0, atol=1e-9)
    assert offset[2] > 0.1


def test_labels_and_boxes_of_removed_objects_are_deleted():
    sent = overlay_markers(scene(scene_object(2), removed=[1]), NAMES, removed=[1, 5])
    gone = [(marker.ns, marker.marker_id) for marker in sent if marker.action is MarkerAction.DELETE]
    assert gone == [("label", 1), ("box", 1), ("label", 5), ("box", 5)]
