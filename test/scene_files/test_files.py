"""URDF, MJCF as XML and planner files, read back."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.mesh_io import read_mesh
from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.scene_files import FORMATS, CollisionForm, SceneOptions, build_scene, write_scene
from sam3d_ros.scene_files.write import FileOptions


@pytest.fixture
def written(kit, tmp_path):
    objects = [kit.standing(3, kit.box(0.08, 0.06, 0.15), -0.1, 0.0), kit.standing(12, kit.ball(0.04), 0.1, 0.05)]
    scene, folder = build_scene(objects, SceneOptions()), tmp_path / "scene"
    write_scene(folder, scene, SceneOptions(), formats=FORMATS, files=FileOptions(points=3000))
    return objects, scene, folder


def numbers(element: ElementTree.Element, name: str) -> np.ndarray:
    return np.array([float(word) for word in element.attrib[name].split()])


def test_frames_of_the_urdf_multiply_to_the_pose_that_was_seen(written):
    objects, scene, folder = written
    robot = ElementTree.parse(folder / "scene.urdf").getroot()
    joints = {joint.find("child").attrib["link"]: joint for joint in robot.iter("joint")}
    for item, name in zip(objects, ("object_003", "object_012"), strict=True):
        origin = joints[name].find("origin")
        assert joints[name].attrib["type"] == "floating"
        rotation = Rotation.from_euler("xyz", numbers(origin, "rpy")).as_matrix()
        T_cam_obj = scene.T_world_cam.inverse() @ SE3.from_rotation(rotation, numbers(origin, "xyz"))
        np.testing.assert_allclose(T_cam_obj.as_matrix(), item.T_cam_obj.as_matrix(), atol=1e-6)


def test_links_of_the_urdf_hang_together_and_their_meshes_exist(written):
    _, _, folder = written
    for path in folder.glob("*.urdf"):
        robot = ElementTree.parse(path).getroot()
        links = {link.attrib["name"] for link in robot.iter("link")}
        children = {joint.find("child").attrib["link"] for joint in robot.iter("joint")}
        assert len(links - children) == 1
        assert all((folder / mesh.attrib["filename"]).is_file() for mesh in robot.iter("mesh"))


def test_the_urdf_says_the_inertia_of_the_box(written):
    link = ElementTree.parse(written[2] / "object_003.urdf").getroot().find("link/inertial")
    mass = 500.0 * 0.08 * 0.06 * 0.15
    assert float(link.find("mass").attrib["value"]) == pytest.approx(mass, rel=1e-6)
    assert float(link.find("inertia").attrib["iyy"]) == pytest.approx(mass / 12 * (0.08**2 + 0.15**2), rel=1e-5)


def test_bodies_of_the_mjcf_have_the_pose_of_scene_json(written):
    folder = written[2]
    entries = json.loads((folder / "scene.json").read_text())["objects"]
    bodies = list(ElementTree.parse(folder / "scene.xml").getroot().iter("body"))
    for entry, body in zip(entries, bodies, strict=True):
        pose = SE3(numbers(body, "quat"), numbers(body, "pos"))
        np.testing.assert_allclose(pose.as_matrix(), entry["T_world_obj"], atol=1e-6)
        assert body.find("freejoint") is not None


def test_planner_meshes_are_centred_and_the_cloud_lies_on_them(written):
    objects, _, folder = written
    mesh = read_mesh(folder / "planners" / "object_003.obj")
    np.testing.assert_allclose(mesh.box_centre, 0.0, atol=1e-7)
    header, data = (folder / "planners" / "completed_cloud.ply").read_bytes().split(b"end_header\n")
    assert b"element vertex 3000" in header
    rows = np.frombuffer(data, [("xyz", "<f4", 3), ("normal", "<f4", 3), ("rgb", "u1", 3)])
    p_obj = objects[1].T_cam_obj.inverse().apply(rows["xyz"])
    on_ball = np.abs(np.linalg.norm(p_obj, axis=1) - 0.04) < 1e-3
    assert on_ball.sum() == pytest.approx(3000 * 0.0201 / (0.0201 + 0.0516), rel=0.02)  # by area
    outward = np.einsum(
        "nk,nk->n", rows["normal"][on_ball], (rows["xyz"] - objects[1].T_cam_obj.translation_xyz)[on_ball]
    )
    assert outward.min() > 0.039


@pytest.mark.parametrize("form", [CollisionForm.HULL, CollisionForm.MESH])
def test_collision_parts_keep_their_budget(kit, form):
    objects = [kit.standing(1, kit.ball(0.05), 0.0, 0.0)]
    parts = build_scene(objects, SceneOptions(form=form, max_triangles=60)).bodies[0].parts
    assert len(parts) == 1
    assert 4 <= len(parts[0].triangles) <= 60


@pytest.mark.parametrize(("max_triangles", "width"), [(60, 0.025), (200, 0.04), (1000, 0.04)])
def test_a_simplified_surface_is_closed_and_stands_on_a_broad_foot(kit, max_triangles, width):
    objects = [kit.standing(1, kit.rough_below(0.05, 0.05, 0.16), 0.0, 0.0)]
    options = SceneOptions(form=CollisionForm.MESH, max_triangles=max_triangles)
    (body,) = build_scene(objects, options).bodies
    (part,) = body.parts
    assert is_watertight(part)
    assert len(part.triangles) <= max_triangles
    world = body.T_world_obj.apply(part.vertices)
    assert world[:, 2].min() == pytest.approx(0.0, abs=1e-6)
    foot = world[world[:, 2] < 1e-4]
    assert np.ptp(foot, axis=0)[:2].min() > width  # of 0.05 m, turned
    assert np.ptp(part.vertices, axis=0)[2] == pytest.approx(0.16, abs=0.003)


def test_an_earlier_scene_is_replaced_and_other_folders_are_not(written, tmp_path):
    _, scene, folder = written
    write_scene(folder, scene, SceneOptions(), formats=["mjcf"], files=FileOptions())
    assert not (folder / "scene.urdf").exists()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "love.txt").write_text("")
    with pytest.raises(ValueError, match="choose another output folder"):
        write_scene(tmp_path / "letters", scene, SceneOptions(), formats=["mjcf"], files=FileOptions())
