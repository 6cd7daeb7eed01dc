"""Size and pose that the model got wrong, settled against depth; the voxel surface they are settled with."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera, Sim3
from sam3d_ros.geometry.metrics import rotation_error
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline import Frame
from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.pipeline.observation import Observation, PrepareConfig, observe
from sam3d_ros.pipeline.sam3d.coarse import voxel_surface
from sam3d_ros.pipeline.sam3d.placing import Placer

CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
# Object z up, turned a little, 60 cm before a camera that looks down at it.
POSE = SE3.from_rotation(
    trimesh.transformations.euler_matrix(np.radians(130), 0.0, 0.3, "rxyz")[:3, :3], [0.03, -0.02, 0.6]
)
SCALE = 0.13  # edge of the canonical cube, m


def canonical(shape: trimesh.Trimesh) -> Mesh:
    """The shape in the canonical cube, off its centre, with its longest edge 0.8 of the cube's."""
    vertices = np.asarray(shape.vertices) - shape.bounds.mean(axis=0)
    vertices = 0.8 * vertices / shape.extents.max() + np.array([0.05, 0.0, -0.08])
    return Mesh(vertices, np.asarray(shape.faces), np.full((len(vertices), 3), 150))


SHAPES = {
    "box": canonical(trimesh.creation.box((0.8, 0.6, 1.0)).subdivide().subdivide()),
    "cylinder": canonical(trimesh.creation.cylinder(radius=0.35, height=1.0, sections=40)),
    "ball": canonical(trimesh.creation.icosphere(subdivisions=3)),
}


def seen(mesh: Mesh, T_cam_canonical: Sim3) -> Observation:
    """What the camera sees of the shape, with a millimetre of depth noise."""
    metric = Mesh(mesh.vertices * T_cam_canonical.scale, mesh.triangles, mesh.vertex_colors)
    rendering = render([metric], [T_cam_canonical.without_scale()], CAMERA)
    depth = rendering.depth + np.random.default_rng(0).normal(scale=0.001, size=rendering.depth.shape)
    pointmap = (CAMERA.rays() * depth[..., None]).astype(np.float32)
    frame = Frame(rendering.color, pointmap, (rendering.index == 0).astype(np.int32), CAMERA)
    observation = observe(frame, 1, PrepareConfig())
    assert isinstance(observation, Observation)
    return observation


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("factor", [0.33, 1.0, 3.0])
@pytest.mark.parametrize("offset", [(0.02, -0.02, 0.03), (0.3, 0.1, -0.2)])
def test_a_size_wrong_by_a_factor_of_three_is_settled_within_three_per_cent(name, factor, offset):
    mesh, truth = SHAPES[name], Sim3.from_se3(POSE, SCALE)
    guess = Sim3(POSE.quat_wxyz, POSE.translation_xyz + np.array(offset), SCALE * factor)
    placement = Placer(seen(mesh, truth), CAMERA).settle(mesh, guess)
    assert placement.T_cam_canonical.scale == pytest.approx(SCALE, rel=0.03)
    corners = np.array([[x, y, z] for x in (-0.4, 0.4) for y in (-0.4, 0.4) for z in (-0.4, 0.4)])
    if name == "box":  # the others may turn about their axes
        np.testing.assert_allclose(placement.T_cam_canonical.apply(corners), truth.apply(corners), atol=0.006)
    assert placement.agreement > 0.9


def test_the_placed_mesh_and_the_placed_cube_are_the_same_surface():
    mesh, truth = SHAPES["box"], Sim3.from_se3(POSE, SCALE)
    placement = Placer(seen(mesh, truth), CAMERA).settle(mesh, truth)
    np.testing.assert_allclose(placement.mesh.box_centre, 0, atol=1e-6)
    np.testing.assert_allclose(
        placement.registration.T_cam_obj.apply(placement.mesh.vertices),
        placement.T_cam_canonical.apply(mesh.vertices),
        atol=1e-5,
    )
    assert rotation_error(placement.T_cam_canonical.without_scale(), POSE) < np.radians(3)


def test_where_nothing_agrees_a_pose_comes_back_all_the_same():
    mesh, truth = SHAPES["ball"], Sim3.from_se3(POSE, SCALE)
    sliver = Mesh(mesh.vertices * np.float32([1, 1, 1e-3]), mesh.triangles, mesh.vertex_colors)
    placement = Placer(seen(mesh, truth), CAMERA).settle(sliver, Sim3(POSE.quat_wxyz, [0, 0, -3.0], 50.0))
    assert np.isfinite(placement.T_cam_canonical.as_matrix()).all()
    assert placement.agreement < 0.9


def ball_logits(resolution: int, centre: np.ndarray, radius: float) -> np.ndarray:
    axis = (np.arange(resolution) + 0.5) / resolution - 0.5
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    return (10 * (radius - np.linalg.norm(grid - centre, axis=-1))).astype(np.float32)


OBSERVED = Observation(
    1, np.ones((2, 2), bool), np.zeros((3, 3)), np.array([[9, 8, 7]] * 3, np.uint8), np.zeros((3, 2)), 0
)


@pytest.mark.parametrize("resolution", [16, 64])
def test_the_voxel_surface_lies_where_the_voxels_are(resolution):
    centre = np.array([0.1, -0.05, 0.02])
    mesh = voxel_surface(ball_logits(resolution, centre, 0.3), OBSERVED, triangle_budget=2000)
    distance = np.linalg.norm(mesh.vertices - centre, axis=1)
    np.testing.assert_allclose(distance, 0.3, atol=0.5 / resolution)
    assert is_watertight(mesh)
    assert len(mesh.triangles) <= 2000
    assert (mesh.vertex_colors == [9, 8, 7]).all()


def test_a_single_voxel_is_a_small_closed_body_about_its_centre():
    logits = np.full((16, 16, 16), -1.0, np.float32)
    logits[3, 4, 5] = 2.0
    mesh = voxel_surface(logits, OBSERVED, triangle_budget=2000)
    np.testing.assert_allclose(mesh.box_centre, (np.array([3, 4, 5]) + 0.5) / 16 - 0.5, atol=1e-6)
    assert (mesh.extents < 2 / 16).all()


def test_a_full_cube_closes_at_the_border_of_the_grid():
    mesh = voxel_surface(np.ones((16, 16, 16), np.float32), OBSERVED, triangle_budget=5000)
    np.testing.assert_allclose(mesh.extents, 1.0, atol=1e-5)
    assert is_watertight(mesh)


def test_no_voxel_means_no_surface():
    with pytest.raises(ValueError, match="no voxel"):
        voxel_surface(np.full((8, 8, 8), -1.0, np.float32), OBSERVED, triangle_budget=2000)


@pytest.mark.parametrize("axis", range(3))
def test_what_stands_on_its_head_or_looks_the_wrong_way_is_turned(axis):
    """A wedge with a knob: no half turn maps it onto itself."""
    wedge = trimesh.creation.box((0.8, 0.5, 0.3))
    wedge.apply_translation([0, 0, 0.15])
    knob = trimesh.creation.box((0.2, 0.2, 0.5))
    knob.apply_translation([0.28, 0.12, 0.5])
    mesh, truth = canonical(trimesh.util.concatenate([wedge, knob]).subdivide()), Sim3.from_se3(POSE, SCALE)
    turn = np.where(np.eye(3)[axis] > 0, 1.0, -1.0) * np.eye(3)
    guess = Sim3.from_se3(POSE @ SE3.from_rotation(turn, np.zeros(3)), 1.6 * SCALE)
    placement = Placer(seen(mesh, truth), CAMERA).settle(mesh, guess)
    assert rotation_error(placement.T_cam_canonical.without_scale(), POSE) < np.radians(5)
    assert placement.T_cam_canonical.scale == pytest.approx(SCALE, rel=0.03)
