"""Pictures of posed meshes against projection, plain ray-triangle arithmetic, and real masks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.ndimage import binary_dilation
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera, Sim3
from sam3d_ros.geometry.conventions import (
    R_BODY_OPTICAL,
    R_OPTICAL_BODY,
    glb_from_object,
    object_from_glb,
    optical_pose_from_sam3d,
    sam3d_pose_from_optical,
)
from sam3d_ros.geometry.mesh_io import read_mesh, write_mesh
from sam3d_ros.geometry.pointmap import depth_to_pointmap
from sam3d_ros.geometry.render import cast_rays, render
from sam3d_ros.geometry.sampling import sample_surface

CAMERA = PinholeCamera(80, 60, 90.0, 85.0, 37.3, 31.2)
POSE = SE3([0.9, 0.2, -0.3, 0.1], [0.03, -0.02, 0.6])


def mesh_of(shape, color=(200, 100, 50)):
    return Mesh(shape.vertices, shape.faces, np.tile(np.array(color, np.uint8), (len(shape.vertices), 1)))


def lopsided():
    """A mesh without any symmetry, so that a mirrored or turned axis cannot hide."""
    parts = [
        trimesh.creation.box((0.1, 0.16, 0.06)),
        trimesh.creation.icosphere(2, 0.05).apply_translation((0.06, 0.05, 0.06)),
    ]
    return mesh_of(trimesh.util.concatenate(parts))


def slow_depth(mesh, T_cam_obj, camera):
    """Depth by solving ray = triangle for each pixel and triangle: the plain reference."""
    a, b, c = T_cam_obj.apply(mesh.vertices)[mesh.triangles].transpose(1, 0, 2)
    depth, rays = np.full((camera.height, camera.width), np.inf), camera.rays()
    for v, u in np.ndindex(depth.shape):
        ray = rays[v, u]
        system = np.stack([np.broadcast_to(-ray, a.shape), b - a, c - a], axis=-1)
        solvable = np.abs(np.linalg.det(system)) > 1e-12
        t, s, w = np.linalg.solve(system[solvable], -a[solvable][..., None])[..., 0].T
        hit = (s >= 0) & (w >= 0) & (s + w <= 1) & (t > 0)
        depth[v, u] = t[hit].min() if hit.any() else np.inf
    return np.where(np.isfinite(depth), depth, np.nan)


def test_depth_equals_the_plain_ray_triangle_reference():
    camera = CAMERA.scaled_to(40, 30)
    fast, slow = cast_rays([lopsided()], [POSE], camera).depth, slow_depth(lopsided(), POSE, camera)
    assert (np.isfinite(fast) != np.isfinite(slow)).sum() <= 2  # rays that graze an edge
    both = np.isfinite(fast) & np.isfinite(slow)
    assert both.sum() > 100
    assert np.percentile(np.abs(fast - slow)[both], 99) < 1e-5


def test_depth_is_along_the_optical_axis_and_not_along_the_ray():
    wall = mesh_of(trimesh.creation.box((20, 20, 0.2)))
    depth = cast_rays([wall], [SE3([1, 0, 0, 0], [0, 0, 2.1])], CAMERA).depth
    np.testing.assert_allclose(depth, 2.0, rtol=1e-5)


def test_a_vertex_appears_in_the_pixel_that_projection_names():
    small = mesh_of(trimesh.creation.icosphere(2, 0.012))
    for place in ([0.1, 0.05, 0.6], [-0.12, -0.1, 0.7], [0.0, 0.12, 0.5]):
        rendering = render([small], [SE3([1, 0, 0, 0], place)], CAMERA)
        v, u = np.nonzero(rendering.index == 0)
        np.testing.assert_allclose([u.mean(), v.mean()], CAMERA.project(place), atol=0.3)


def test_the_nearest_mesh_wins_and_index_says_which():
    far, near = mesh_of(trimesh.creation.box((1, 1, 0.1)), (0, 0, 255)), mesh_of(trimesh.creation.box((0.1, 0.1, 0.1)))
    empty = Mesh(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3)))
    poses = [SE3([1, 0, 0, 0], [0, 0, z]) for z in (2.0, 1.0, 1.0)]
    rendering = render([far, empty, near], poses, CAMERA)
    assert set(np.unique(rendering.index)) == {-1, 0, 2}
    assert rendering.index[31, 37] == 2
    np.testing.assert_array_equal(rendering.color[31, 37], [200, 100, 50])
    np.testing.assert_array_equal(rendering.color[rendering.index == 0], [[0, 0, 255]] * (rendering.index == 0).sum())


def test_pixels_without_a_mesh_have_no_depth_normal_or_index():
    rendering = render([lopsided()], [POSE], CAMERA, background=(1, 2, 3), shading="headlight")
    missed = rendering.index == -1
    assert np.isnan(rendering.depth[missed]).all()
    assert np.isnan(rendering.normal[missed]).all()
    np.testing.assert_array_equal(rendering.color[missed], [[1, 2, 3]] * missed.sum())


@pytest.mark.parametrize("meshes", [[], [lopsided()]])
def test_nothing_in_view_is_an_empty_picture(meshes):
    rendering = render(meshes, [SE3([1, 0, 0, 0], [0, 0, -1])] * len(meshes), CAMERA)
    assert (rendering.index == -1).all()
    beside = render(meshes, [SE3([1, 0, 0, 0], [50, 0, 1])] * len(meshes), CAMERA)
    assert (beside.index == -1).all()


def test_a_mesh_around_the_camera_fills_the_image():
    room = mesh_of(trimesh.creation.box((4, 4, 4)))
    rendering = render([room], [SE3([0.8, 0.1, 0.2, 0.3], [0, 0, 0])], CAMERA)
    assert (rendering.index == 0).all()


def test_colours_are_interpolated_between_vertices():
    triangle = Mesh(np.array([[-1, -1, 0], [1, -1, 0], [-1, 1, 0]]), np.array([[0, 2, 1]]), np.eye(3) * 255)
    camera = PinholeCamera(101, 101, 50.0, 50.0, 50.0, 50.0)
    rendering = render([triangle], [SE3([1, 0, 0, 0], [0, 0, 1.0])], camera)
    # Pixel (u, v) sees x = (u - 50) / 50, y = (v - 50) / 50.
    np.testing.assert_array_equal(rendering.color[20, 30], np.rint([255 * 0.5, 255 * 0.3, 255 * 0.2]))


def test_normals_point_outward_in_the_optical_frame():
    sphere = mesh_of(trimesh.creation.icosphere(4, 0.1))
    for kind, tolerance in (("flat", 0.06), ("smooth", 0.01)):
        rendering = render([sphere], [POSE], CAMERA, normals=kind)
        hit = rendering.index == 0
        points = depth_to_pointmap(rendering.depth, CAMERA)[hit]
        outward = (points - POSE.translation_xyz) / 0.1
        np.testing.assert_allclose(rendering.normal[hit], outward, atol=tolerance)
        np.testing.assert_allclose(np.linalg.norm(rendering.normal[hit], axis=1), 1, rtol=1e-5)


def test_a_headlight_darkens_what_turns_away():
    sphere = mesh_of(trimesh.creation.icosphere(4, 0.1), (200, 200, 200))
    lit = render([sphere], [SE3([1, 0, 0, 0], [0, 0, 0.6])], CAMERA, shading="headlight", normals="smooth")
    hit = lit.index == 0
    towards = -lit.normal[..., 2]
    assert lit.color[hit][towards[hit] > 0.99].min() > 190
    assert lit.color[hit][towards[hit] < 0.4].max() < 150


def rendered_mask(mesh, T_cam_obj, camera):
    return cast_rays([mesh], [T_cam_obj], camera).index == 0


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def splatted_mask(points, T_cam_obj, camera):
    """Mask from dense surface points and `PinholeCamera.project` alone: an independent road to the silhouette."""
    pixels = np.rint(camera.project(T_cam_obj.apply(points))).astype(int)
    mask = np.zeros((camera.height, camera.width), bool)
    mask[pixels[:, 1], pixels[:, 0]] = True
    return mask


def test_rendered_and_projected_silhouettes_are_the_same():
    points = sample_surface(lopsided(), 200_000, seed=0).points
    rendered, splatted = rendered_mask(lopsided(), POSE, CAMERA), splatted_mask(points, POSE, CAMERA)
    assert (rendered & ~splatted).sum() <= 2
    # A pixel counts as splatted when the surface touches any part of it, as rendered when it covers its centre.
    assert not (splatted & ~binary_dilation(rendered, np.ones((3, 3)))).any()


def test_the_chain_from_model_output_to_image_covers_the_mask():
    """SAM 3D pose -> TF in a robot's map frame -> back at the image stamp -> CameraInfo: the mesh covers its mask."""
    mask = rendered_mask(lopsided(), POSE, CAMERA)
    canonical = Mesh(lopsided().vertices / 0.2, lopsided().triangles, lopsided().vertex_colors)
    said = sam3d_pose_from_optical(Sim3.from_se3(POSE, 0.2))
    T_optical_canonical = optical_pose_from_sam3d(said)
    metric = Mesh(canonical.vertices * T_optical_canonical.scale, canonical.triangles, canonical.vertex_colors)
    T_map_body = SE3(np.roll(Rotation.from_euler("xyz", [0.1, 0.2, 2.0]).as_quat(), 1), [3.0, -1.0, 0.8])
    T_map_optical = T_map_body @ SE3.from_rotation(R_BODY_OPTICAL, np.zeros(3))
    T_map_obj = T_map_optical @ T_optical_canonical.without_scale()
    T_optical_map = SE3.from_rotation(R_OPTICAL_BODY, np.zeros(3)) @ T_map_body.inverse()
    assert iou(mask, rendered_mask(metric, T_optical_map @ T_map_obj, CAMERA)) > 0.995


@pytest.mark.parametrize(
    "mistake", [lambda v: v * [1, 1, -1], lambda v: v * [-1, -1, 1], glb_from_object, object_from_glb]
)
def test_the_overlap_test_would_notice_a_wrong_convention(mistake):
    wrong = Mesh(mistake(lopsided().vertices), lopsided().triangles, lopsided().vertex_colors)
    assert iou(rendered_mask(lopsided(), POSE, CAMERA), rendered_mask(wrong, POSE, CAMERA)) < 0.9


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".glb"])
def test_a_mesh_from_a_file_covers_the_mask_with_the_same_pose(tmp_path, suffix):
    write_mesh(tmp_path / f"mesh{suffix}", lopsided())
    mask = rendered_mask(lopsided(), POSE, CAMERA)
    np.testing.assert_array_equal(rendered_mask(read_mesh(tmp_path / f"mesh{suffix}"), POSE, CAMERA), mask)


def test_true_poses_of_a_real_frame_cover_their_masks_and_depth(shared_data):
    folder = shared_data / "rgbd_real" / "ycbv_000001"
    camera = PinholeCamera(**json.loads((folder / "intrinsics.json").read_text()))
    labels = np.array(Image.open(folder / "mask.png"))
    pointmap = depth_to_pointmap(np.array(Image.open(folder / "depth.png")).astype(np.uint16), camera)
    for entry in json.loads((folder / "objects.json").read_text()):
        mesh = read_mesh(folder / entry["mesh"])
        hits = cast_rays([mesh], [SE3.from_matrix(entry["T_cam_obj"])], camera)
        mask = labels == entry["id"]
        assert ((hits.index == 0) & mask).sum() > 0.93 * mask.sum(), entry["name"]
        difference = np.abs(hits.depth - pointmap[..., 2])[mask]
        assert np.nanmedian(difference) < 0.01, entry["name"]
