"""The fit finds known poses, and its covariance says how far repeated fits spread."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.geometry.render import cast_rays
from sam3d_ros.pipeline import Frame
from sam3d_ros.pipeline.alignment import AlignmentConfig
from sam3d_ros.pipeline.observation import PrepareConfig, observe
from sam3d_ros.pipeline.pose_uncertainty import UncertaintyConfig
from sam3d_ros.pipeline.registration import RegistrationConfig, register
from sam3d_ros.pipeline.surface_model import SurfaceModel

CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
TILTED = np.array([[0.8, -0.6, 0.0], [-0.36, -0.48, -0.8], [0.48, 0.64, -0.6]])  # three sides of a box in view
GRAY = np.full(3, 128.0)


def sphere(radius: float = 0.05) -> Mesh:
    ball = trimesh.creation.icosphere(3, radius)
    return Mesh(ball.vertices, ball.faces, np.full((len(ball.vertices), 3), 128))


def step() -> Mesh:
    """Two boxes that make a step: every motion can be seen."""
    low = box_mesh(np.array([0.12, 0.08, 0.04]), color=GRAY, cells=4)
    high = box_mesh(np.array([0.05, 0.06, 0.05]), color=GRAY, cells=4)
    vertices = np.concatenate([low.vertices - [0, 0, 0.025], high.vertices + [-0.03, 0.005, 0.02]])
    triangles = np.concatenate([low.triangles, high.triangles + len(low.vertices)])
    return Mesh(vertices, triangles, np.full((len(vertices), 3), 128))


def observation(mesh: Mesh, T_cam_obj: SE3, *, noise: float = 0.0, seed: int = 0):
    """The mesh before a wall, through the camera."""
    hits = cast_rays([mesh], [T_cam_obj], CAMERA)
    depth = np.where(hits.index < 0, 1.5, hits.depth)
    depth = depth + noise * np.random.default_rng(seed).standard_normal(depth.shape)
    frame = Frame(
        np.full((240, 320, 3), 128, np.uint8),
        (CAMERA.rays() * depth[..., None]).astype(np.float32),
        (hits.index + 1).astype(np.int32),
        CAMERA,
    )
    return observe(frame, 1, PrepareConfig())


def disturbed(T_cam_obj: SE3, translation, rotation_vector) -> SE3:
    """The pose moved along, and turned about, the camera's fixed axes; turning about the object's origin."""
    angle = np.linalg.norm(rotation_vector)
    axis = np.asarray(rotation_vector) / max(angle, 1e-12)
    turn = SE3(np.concatenate([[np.cos(angle / 2)], np.sin(angle / 2) * axis]), np.zeros(3))
    return SE3.from_rotation(turn.rotation @ T_cam_obj.rotation, T_cam_obj.translation_xyz + translation)


def difference(T_est: SE3, T_true: SE3) -> np.ndarray:
    """The six numbers of `disturbed` that lead from the true pose to the estimated one, for small turns."""
    turn = T_est.rotation @ T_true.rotation.T
    vector = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]]) / 2
    return np.concatenate([T_est.translation_xyz - T_true.translation_xyz, vector])


TRUE = SE3.from_rotation(TILTED, [0.03, -0.02, 0.6])


@pytest.mark.parametrize("seed", range(6))
def test_a_disturbed_pose_is_found_again(seed) -> None:
    rng = np.random.default_rng(seed)
    start = disturbed(TRUE, rng.uniform(-0.015, 0.015, 3), rng.uniform(-0.12, 0.12, 3))
    result = register(step(), start, observation(step(), TRUE, noise=0.001, seed=seed), CAMERA)
    error = difference(result.T_cam_obj, TRUE)
    assert np.linalg.norm(error[:3]) < 0.0015
    assert np.linalg.norm(error[3:]) < 0.02
    assert result.quality.inlier_ratio > 0.97
    assert result.quality.residual_rms == pytest.approx(0.001 * 0.65, rel=0.5)  # noise along the ray, sides tilted
    assert result.quality.mask_iou > 0.9
    assert result.quality.scale_source == "depth"


def test_stray_depth_does_not_pull_the_pose() -> None:
    seen = observation(step(), TRUE, noise=0.001)
    far = np.random.default_rng(0).random(len(seen.points)) < 0.25
    seen.points[far] *= 1.1
    result = register(step(), TRUE, seen, CAMERA)
    assert np.linalg.norm(difference(result.T_cam_obj, TRUE)[:3]) < 0.002
    assert result.quality.inlier_ratio == pytest.approx(0.75, abs=0.06)


def test_a_thin_plate_lies_on_its_visible_side() -> None:
    plate = box_mesh(np.array([0.15, 0.1, 0.002]), color=GRAY, cells=8)
    result = register(plate, disturbed(TRUE, [0, 0, 0.004], [0, 0, 0]), observation(plate, TRUE), CAMERA)
    normal = TRUE.rotation[:, 2]
    # To match the hidden side would cost the thickness of 2 mm.
    assert abs(difference(result.T_cam_obj, TRUE)[:3] @ normal) < 0.0005


def test_the_wrong_mesh_has_a_poor_quality() -> None:
    result = register(sphere(0.03), TRUE, observation(step(), TRUE), CAMERA)
    assert result.quality.inlier_ratio < 0.6
    assert result.quality.mask_iou < 0.6


def test_a_mesh_through_which_the_camera_saw_scores_less() -> None:
    """A box twice as wide as what stands there: half of it lies where the camera saw the wall."""
    narrow, wide = (box_mesh(np.array([width, 0.08, 0.05]), color=GRAY, cells=8) for width in (0.06, 0.12))
    seen = observation(narrow, TRUE)
    depth = cast_rays([narrow], [TRUE], CAMERA).depth
    depth[np.isnan(depth)] = 1.5
    fits = [register(mesh, TRUE, seen, CAMERA, depth=depth) for mesh in (narrow, wide)]
    assert fits[0].quality.free_space < 0.05
    assert fits[0].quality.score > 0.85
    assert fits[1].quality.free_space > 0.3
    assert fits[1].quality.score < 0.5 * fits[0].quality.score


def test_without_the_depth_of_the_image_free_space_is_not_known_and_does_not_count() -> None:
    quality = register(step(), TRUE, observation(step(), TRUE), CAMERA).quality
    assert np.isnan(quality.free_space)
    assert quality.score == pytest.approx(quality.inlier_ratio * quality.mask_iou)


def test_too_few_points_leave_the_pose_and_say_that_nothing_is_known() -> None:
    seen = observation(step(), TRUE)
    seen = type(seen)(seen.label, seen.mask, seen.points[:5], seen.colors[:5], seen.pixels[:5], seen.dropped)
    result = register(step(), TRUE, seen, CAMERA)
    np.testing.assert_allclose(result.T_cam_obj.as_matrix(), TRUE.as_matrix(), atol=1e-14)
    assert np.sqrt(result.covariance[0, 0]) > 0.05
    assert np.sqrt(result.covariance[5, 5]) == pytest.approx(1.0)


def test_covariance_is_that_of_repeated_fits() -> None:
    # Noise of each pixel on its own: the allowance for correlated noise and quantisation is switched off.
    config = RegistrationConfig(
        alignment=AlignmentConfig(uncertainty=UncertaintyConfig(correlation=1.0, noise_floor=0.0))
    )
    mesh = step()
    fits = [
        register(mesh, TRUE, observation(mesh, TRUE, noise=0.002, seed=k), CAMERA, config=config) for k in range(40)
    ]
    errors = np.array([difference(fit.T_cam_obj, TRUE) for fit in fits])
    spread = errors.std(axis=0)
    said = np.sqrt(np.mean([np.diag(fit.covariance) for fit in fits], axis=0))
    ratio = said / spread
    assert (ratio > 0.5).all(), ratio
    assert (ratio < 2.5).all(), ratio
    assert np.exp(np.abs(np.log(ratio)).mean()) < 2.0, ratio


def test_default_covariance_is_on_the_safe_side() -> None:
    mesh = step()
    fits = [register(mesh, TRUE, observation(mesh, TRUE, noise=0.002, seed=k), CAMERA) for k in range(20)]
    errors = np.array([difference(fit.T_cam_obj, TRUE) for fit in fits])
    said = np.sqrt(np.mean([np.diag(fit.covariance) for fit in fits], axis=0))
    assert (said > np.sqrt((errors**2).mean(axis=0)) * 0.9).all()


def test_a_ball_may_turn_as_it_likes() -> None:
    pose = SE3(np.array([1.0, 0, 0, 0]), np.array([0.0, 0.0, 0.6]))
    result = register(sphere(), pose, observation(sphere(), pose, noise=0.001), CAMERA)
    deviation = np.sqrt(np.diag(result.covariance))
    assert (deviation[3:] > 0.5).all()  # radians
    assert (deviation[:3] < 0.003).all()


def test_a_plate_seen_from_the_front_may_turn_in_its_plane_and_slides_as_far_as_the_mask_lets_it() -> None:
    plate = box_mesh(np.array([0.15, 0.1, 0.005]), color=GRAY, cells=8)
    pose = SE3(np.array([1.0, 0, 0, 0]), np.array([0.0, 0.0, 0.6]))
    deviation = np.sqrt(np.diag(register(plate, pose, observation(plate, pose, noise=0.001), CAMERA).covariance))
    assert deviation[5] > 0.5  # rad about the line of sight
    assert deviation[2] < 0.001 < 0.002 < deviation[0] < 0.01
    assert (deviation[3:5] < 0.02).all()


def test_covariance_is_symmetric_and_positive() -> None:
    covariance = register(step(), TRUE, observation(step(), TRUE, noise=0.001), CAMERA).covariance
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-15)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_the_mask_settles_what_a_flat_side_cannot() -> None:
    box = box_mesh(np.array([0.1, 0.1, 0.1]), color=GRAY, cells=6)
    pose = SE3(np.array([1.0, 0, 0, 0]), np.array([0.0, 0.0, 0.6]))
    result = register(box, disturbed(pose, [0.012, -0.008, 0], [0, 0, 0]), observation(box, pose, noise=0.001), CAMERA)
    assert np.linalg.norm(difference(result.T_cam_obj, pose)[:3]) < 0.0025


def test_the_same_input_gives_the_same_pose() -> None:
    seen = observation(step(), TRUE, noise=0.001)
    a, b = (register(step(), TRUE, seen, CAMERA).T_cam_obj for _ in range(2))
    np.testing.assert_array_equal(a.as_matrix(), b.as_matrix())


def test_the_visible_side_of_a_box_is_the_three_sides_towards_the_camera() -> None:
    surface = SurfaceModel(box_mesh(np.array([0.1, 0.1, 0.1]), color=GRAY))
    normals = surface.visible_side(TRUE.inverse().translation_xyz).normals @ TRUE.rotation.T
    directions = np.unique(np.round(normals, 3), axis=0)
    assert len(directions) == 3
    assert (directions[:, 2] < 0).all()


def test_a_mesh_without_area_cannot_be_registered() -> None:
    flat = Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]]), np.zeros((3, 3), np.uint8))
    with pytest.raises(ValueError, match="without area"):
        SurfaceModel(flat)
