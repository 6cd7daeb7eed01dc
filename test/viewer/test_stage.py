"""What is in the scene tree of a viser server after frames were shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, PinholeCamera
from sam3d_ros.geometry.gaussians import Gaussians
from sam3d_ros.geometry.glb import decode_glb
from sam3d_ros.geometry.glb_container import unpack_glb
from sam3d_ros.tracking import ObjectState
from sam3d_ros.viewer.layers import Layers, Surface
from sam3d_ros.viewer.object_nodes import box_edges, covariances, dimmed
from sam3d_ros.viewer.shown import CameraView, SceneCloud
from sam3d_ros.viewer.stage import Stage
from sam3d_ros.viewer.viewpoint import first_viewpoint, up_direction

LAYERS = Layers()
CAMERA = PinholeCamera(64, 48, 60.0, 60.0, 31.5, 23.5)


@pytest.fixture
def stage(server):
    return Stage(server)


@pytest.fixture
def node(server):
    """Looks a node up by its path; None where there is none."""
    return server.scene.get_handle_by_name


@pytest.fixture
def gaussians():
    ones = np.ones(4, np.float32)
    quat = np.tile(np.array([1.0, 0.0, 0.0, 0.0]), (4, 1))
    return Gaussians(np.zeros((4, 3)), np.full((4, 3), 0.01), quat, ones, np.zeros((4, 3)))


@pytest.fixture
def view():
    labels = np.array([0, 5, 9], np.int32)
    cloud = SceneCloud(
        np.array([0.0, 0.0, 1.0]), np.zeros((3, 3), np.float16), np.eye(3).astype(np.uint8), labels, 0.01
    )
    T_ref_cam = SE3(np.array([0.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 4.0]))
    return CameraView(CAMERA, T_ref_cam, np.full((48, 64, 3), 90, np.uint8), cloud)


def test_an_object_stands_at_its_pose_with_its_mesh_and_name(stage, node, shown, thing):
    stage.show(shown(thing), LAYERS)
    frame, mesh = node("/objects/3"), node("/objects/3/mesh")
    assert frame.position == pytest.approx(thing.T_ref_obj.translation_xyz)
    assert frame.wxyz == pytest.approx(thing.T_ref_obj.quat_wxyz)
    assert mesh.visible
    # The page applies frame and node to what is in the GLB: that must be the mesh again.
    sent = decode_glb(mesh.glb_data)
    assert sent.vertices == pytest.approx(thing.mesh.vertices, abs=1e-6)
    assert SE3(mesh.wxyz, mesh.position).apply(np.array([0.0, 1.0, 0.0])) == pytest.approx([0.0, 0.0, 1.0])
    assert (sent.vertex_colors == thing.mesh.vertex_colors).all()
    assert unpack_glb(mesh.glb_data)[0]["materials"][0]["doubleSided"]
    assert node("/objects/3/label").text == "mug 3 · 0.72"
    assert node("/objects/3/tf").text == "object_3"


def test_a_mesh_is_sent_once_and_then_only_moved(stage, node, shown, thing):
    stage.show(shown(thing), LAYERS)
    mesh = node("/objects/3/mesh")
    moved = replace(thing, T_ref_obj=SE3(thing.T_ref_obj.quat_wxyz, np.array([0.0, 0.0, 1.0])))
    stage.show(shown(moved, stamp_ns=20), LAYERS)
    assert node("/objects/3/mesh") is mesh
    assert node("/objects/3").position == pytest.approx([0.0, 0.0, 1.0])


def test_a_new_version_replaces_the_mesh(stage, node, shown, thing, box):
    stage.show(shown(thing), LAYERS)
    stage.show(shown(replace(thing, mesh=box((0.2, 0.3, 0.4)), mesh_version=2)), LAYERS)
    assert decode_glb(node("/objects/3/mesh").glb_data).extents == pytest.approx([0.2, 0.3, 0.4])


def test_what_is_gone_vanishes(stage, node, shown, thing):
    stage.show(shown(thing), LAYERS)
    stage.show(shown(stamp_ns=20), LAYERS)
    assert node("/objects/3") is None
    assert node("/objects/3/mesh") is None


def test_unseen_objects_are_pale_and_can_be_hidden(stage, node, shown, thing):
    unseen = replace(thing, state=ObjectState.UNSEEN)
    stage.show(shown(thing), LAYERS)
    stage.show(shown(unseen, stamp_ns=20), LAYERS)
    assert not node("/objects/3/mesh").visible
    assert node("/objects/3/dim").visible
    stage.show(shown(unseen, stamp_ns=20), replace(LAYERS, unseen=False))
    assert not node("/objects/3").visible
    stage.show(shown(thing, stamp_ns=30), LAYERS)
    assert (node("/objects/3").visible, node("/objects/3/mesh").visible) == (True, True)
    assert not node("/objects/3/dim").visible


def test_coarse_objects_have_a_box_of_another_colour(stage, node, shown, thing):
    layers = replace(LAYERS, boxes=True)
    stage.show(shown(thing), layers)
    complete = tuple(node("/objects/3/box").colors)
    stage.show(shown(replace(thing, state=ObjectState.COARSE)), layers)
    assert tuple(node("/objects/3/box").colors) != complete
    assert "coarse" in node("/objects/3/label").text


def test_splats_take_the_place_of_meshes_where_an_object_has_some(stage, node, shown, thing, gaussians):
    layers = replace(LAYERS, surface=Surface.SPLATS)
    other = replace(thing, object_id=4)
    stage.show(shown(replace(thing, gaussians=gaussians), other), layers)
    assert node("/objects/3/splats").visible
    assert not node("/objects/3/mesh").visible
    assert node("/objects/4/mesh").visible
    stage.show(shown(replace(thing, gaussians=gaussians), other), LAYERS)
    assert not node("/objects/3/splats").visible
    assert node("/objects/3/mesh").visible


@pytest.mark.parametrize(
    ("layer", "path"),
    [("labels", "label"), ("axes", "tf"), ("boxes", "box"), ("cloud", "cloud"), ("camera", "picture")],
)
def test_each_layer_can_be_shown_and_hidden(stage, node, shown, thing, view, layer, path):
    full = f"/camera/{path}" if layer in ("cloud", "camera") else f"/objects/3/{path}"
    for wanted in (False, True):
        stage.show(shown(thing, view=view), replace(LAYERS, **{layer: wanted}))
        assert node(full).visible is wanted


def test_points_of_objects_are_left_out_and_those_of_rejected_masks_stay(stage, node, shown, thing, view):
    stage.show(shown(thing, view=view), LAYERS)
    assert len(node("/camera/cloud").points) == 2  # label 5 is the object, 9 became none
    stage.show(shown(thing, view=view), replace(LAYERS, object_points=True))
    assert len(node("/camera/cloud").points) == 3


def test_the_camera_is_hidden_where_nothing_is_known_of_it(stage, node, shown, thing, view):
    stage.show(shown(thing, view=view), LAYERS)
    assert node("/camera").position == pytest.approx([0.0, 0.0, 4.0])
    stage.show(shown(thing), LAYERS)
    assert not node("/camera").visible


def test_up_is_z_and_in_a_cameras_frame_that_of_the_objects(shown, thing):
    assert up_direction(shown(thing)) == pytest.approx([0.0, 0.0, 1.0])
    # A camera that looks down steeply: the objects' z axes are tilted in its frame.
    tilted = SE3.from_rotation(
        np.array([[1.0, 0.0, 0.0], [0.0, -0.8, -0.6], [0.0, 0.6, -0.8]]), np.array([0.0, 0.0, 1.0])
    )
    frame = shown(replace(thing, T_ref_obj=tilted), frame_id="camera_optical_frame")
    assert up_direction(frame) == pytest.approx([0.0, -0.6, -0.8])
    assert up_direction(shown(frame_id="camera_optical_frame")) == pytest.approx([0.0, -1.0, 0.0])


def test_the_first_viewpoint_looks_at_the_objects_from_above(shown, thing, view):
    viewpoint = first_viewpoint(shown(thing, view=view))
    assert viewpoint.look_at == pytest.approx(thing.T_ref_obj.translation_xyz)
    assert viewpoint.position[2] > view.T_ref_cam.translation_xyz[2] - 0.1
    assert first_viewpoint(shown()) is None


def test_the_box_is_that_of_the_mesh(box):
    edges = box_edges(box((0.2, 0.4, 0.6)))
    assert edges.shape == (12, 2, 3)
    assert sorted(np.linalg.norm(edges[:, 0] - edges[:, 1], axis=1).round(6)) == [0.2] * 4 + [0.4] * 4 + [0.6] * 4


def test_pale_colours_stay_near_grey_and_keep_their_hue(box):
    color = dimmed(box()).vertex_colors[0].astype(int)
    assert np.ptp(color) < 80
    assert color.argmax() == 0


def test_covariances_are_those_of_the_ellipsoids():
    quat = np.array([[np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]])  # a quarter about z: x becomes y
    one = Gaussians(np.zeros((1, 3)), np.array([[0.3, 0.2, 0.1]]), quat, np.ones(1), np.zeros((1, 3)))
    assert covariances(one)[0] == pytest.approx(np.diag([0.04, 0.09, 0.01]), abs=1e-6)
