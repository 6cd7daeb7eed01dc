"""Pictures say what is true: colours keep their meaning, outlines their place, edges their sharpness."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.geometry.sampling import sphere_directions
from sam3d_ros.replay.report.pictures.colours import (
    color_depth,
    color_error,
    depth_range,
    label_color,
    linear_to_srgb,
    oklch_to_srgb,
    srgb_to_linear,
)
from sam3d_ros.replay.report.pictures.floor import FloorShadow
from sam3d_ros.replay.report.pictures.overlay import masks_over, meshes_over, outlines_over, tags
from sam3d_ros.replay.report.pictures.studio import take_picture, take_picture_on_floor
from sam3d_ros.replay.report.pictures.surface import corner_normals, make_surface
from sam3d_ros.replay.report.pictures.turntable import Framing, Turntable, orbit_pose, seen_azimuth, turntable_strip

CAMERA = PinholeCamera(96, 72, 120.0, 120.0, 47.5, 35.5)
AHEAD = SE3(np.array([1.0, 0, 0, 0]), np.array([0.0, 0.0, 0.5]))


def box(edge: float, color=(128, 128, 128)) -> Mesh:
    corners = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]) * edge
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(triangles), np.tile(color, (8, 1)))


def sphere(radius: float) -> Mesh:
    from scipy.spatial import ConvexHull

    points = sphere_directions(600).astype(float)
    triangles = ConvexHull(points).simplices
    a, b, c = (points[triangles[:, i]] for i in range(3))
    inward = np.einsum("nc,nc->n", np.cross(b - a, c - a), a) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return Mesh(points * radius, triangles, np.full((600, 3), 200))


def lightness(srgb) -> np.ndarray:
    return srgb_to_linear(np.asarray(srgb, np.uint8)) @ np.array([0.2126, 0.7152, 0.0722], np.float32)


def test_neighbouring_labels_have_colours_that_differ():
    colors = np.array([label_color(label) for label in range(1, 9)], float)
    apart = np.linalg.norm(colors[:, None] - colors[None], axis=2) + 999 * np.eye(8)
    assert apart.min() > 30


def test_a_label_keeps_its_colour_and_large_labels_have_one():
    assert label_color(3) == label_color(3)
    assert all(0 <= channel <= 255 for channel in label_color(2**31 - 1))


def test_oklch_without_chroma_is_grey_of_known_value():
    # OKLab lightness is the cube root of linear light on the grey axis.
    grey = oklch_to_srgb(0.5, 0.0, 1.0)
    np.testing.assert_array_equal(grey, linear_to_srgb(np.full(3, 0.5**3)))


def test_srgb_and_light_are_each_others_inverse():
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(linear_to_srgb(srgb_to_linear(values)), values)


def test_nearer_depth_is_always_lighter():
    depth = np.linspace(0.5, 2.0, 64, dtype=np.float32)[None]
    assert (np.diff(lightness(color_depth(depth, 0.5, 2.0)[0])) < 0).all()


def test_missing_depth_has_a_colour_of_its_own():
    depth = np.array([[np.nan, 0.5, 2.0, 9.0]], np.float32)
    picture = color_depth(depth, 0.5, 2.0)[0]
    assert np.ptp(picture[0].astype(int)) < 12  # grey
    np.testing.assert_array_equal(picture[2], picture[3])  # beyond the range is the end of the ramp


def test_the_depth_range_leaves_strays_out_and_stands_empty_images():
    depth = np.linspace(1.0, 2.0, 1000, dtype=np.float32).reshape(20, 50)
    depth[0, 0] = 60.0
    near, far = depth_range(depth)
    assert 1.0 <= near < 1.05
    assert 1.95 < far <= 2.0
    assert depth_range(np.full((4, 4), np.nan, np.float32)) == (0.0, 1.0)


def test_errors_beyond_the_largest_all_look_alike():
    colors = color_error(np.array([0.0, 20.0, 500.0]), 20.0)
    np.testing.assert_array_equal(colors[1], colors[2])
    assert (colors[0] != colors[1]).any()


def test_a_box_keeps_its_edges_and_a_sphere_is_smooth():
    normals = np.sort(np.abs(corner_normals(box(0.1))), axis=2)
    np.testing.assert_allclose(normals, np.broadcast_to([0, 0, 1], normals.shape), atol=1e-6)
    ball = sphere(0.1)
    outward = ball.vertices[ball.triangles] / 0.1
    np.testing.assert_allclose(corner_normals(ball), outward, atol=0.06)


def test_a_coarse_mesh_is_split_without_moving_its_surface():
    surface = make_surface(box(0.1))
    assert len(surface.mesh.triangles) > 6000
    np.testing.assert_allclose(np.abs(surface.mesh.vertices).max(axis=1), 0.05, atol=1e-7)
    np.testing.assert_allclose(surface.mesh.extents, 0.1, atol=1e-7)


def test_the_top_of_a_box_gets_more_ambient_light_than_its_foot():
    surface = make_surface(box(0.1))
    height = surface.mesh.vertices[:, 2]
    assert surface.ambient[height > 0.049].mean() > surface.ambient[height < -0.03].mean() + 0.2
    assert surface.ambient.min() >= 0
    assert surface.ambient.max() <= 1


def test_a_picture_covers_the_pixels_that_the_renderer_says():
    turned = AHEAD @ SE3(np.array([0.9, 0.1, 0.3, 0.2]), np.zeros(3))
    picture = take_picture([make_surface(box(0.1))], [turned], CAMERA)
    expected = render([box(0.1)], [turned], CAMERA).index >= 0
    assert ((picture.alpha > 0.5) == expected).mean() > 0.99
    assert ((picture.alpha > 0.05) & (picture.alpha < 0.95)).sum() > 0  # soft edges


def test_a_red_object_is_red_in_the_picture():
    picture = take_picture([make_surface(box(0.1, (200, 30, 30)))], [AHEAD], CAMERA)
    red, green, blue = picture.color[picture.alpha > 0.99].mean(axis=0)
    assert red > 2 * green
    assert red > 2 * blue


def test_a_picture_of_nothing_leaves_the_background_alone():
    background = np.arange(CAMERA.height * CAMERA.width * 3, dtype=np.int64).reshape(CAMERA.height, CAMERA.width, 3)
    background = (background % 256).astype(np.uint8)
    picture = take_picture([], [], CAMERA)
    np.testing.assert_array_equal(picture.over(background), background)


def test_the_floor_is_dark_beside_the_object_and_not_far_from_it():
    surface = make_surface(box(0.1))
    pose = orbit_pose(surface.centre, azimuth=0.4, elevation=0.6, distance=0.6)
    darkness = FloorShadow(surface).seen(pose, CAMERA, np.array([-0.5, -0.75, -0.45], np.float32))
    contact = CAMERA.project(pose.apply([0.06, 0.0, -0.05])).round().astype(int)
    assert darkness[contact[1], contact[0]] > 0.1
    assert darkness[0].max() < 0.05
    assert 0 <= darkness.min() <= darkness.max() < 1


def test_a_shadow_lies_below_the_object_not_on_it():
    surface = make_surface(box(0.1, (250, 250, 250)))
    pose = orbit_pose(surface.centre, azimuth=0.4, elevation=0.6, distance=0.6)
    bare, shadowed = take_picture([surface], [pose], CAMERA), take_picture_on_floor(surface, pose, CAMERA)
    inside = bare.alpha == 1
    np.testing.assert_array_equal(shadowed.color[inside], bare.color[inside])
    assert shadowed.alpha[~inside].sum() > bare.alpha[~inside].sum()


@pytest.mark.parametrize("azimuth", [0.0, 1.0, -2.5])
def test_an_orbiting_camera_looks_at_the_centre_with_z_up(azimuth):
    centre = np.array([0.1, -0.2, 0.3])
    pose = orbit_pose(centre, azimuth=azimuth, elevation=0.4, distance=0.7)
    np.testing.assert_allclose(pose.apply(centre), [0, 0, 0.7], atol=1e-12)
    above = pose.apply(centre + [0, 0, 0.1])
    assert abs(above[0]) < 1e-12
    assert above[1] < 0  # up in the image
    assert seen_azimuth(orbit_pose(np.zeros(3), azimuth=azimuth, elevation=0.4, distance=0.7)) == pytest.approx(azimuth)


def test_a_strip_holds_its_views_side_by_side_and_the_object_whole():
    surface = make_surface(box(0.1))
    strip = turntable_strip(surface, Turntable(views=3, size=48))
    assert strip.shape == (48, 144, 4)
    for view in np.split(strip[..., 3], 3, axis=1):
        assert view[24, 24] == 255
        assert max(view[0].max(), view[-1].max(), view[:, 0].max(), view[:, -1].max()) < 60  # shadow at most


def test_a_common_framing_holds_both_shapes():
    small, shifted = (
        make_surface(box(0.1)),
        make_surface(box(0.1).transformed(SE3(AHEAD.quat_wxyz, np.array([0.3, 0, 0])))),
    )
    framing = Framing.around([small, shifted])
    np.testing.assert_allclose(framing.centre, [0.15, 0, 0], atol=1e-7)
    for surface in (small, shifted):
        apart = np.linalg.norm(surface.mesh.vertices - framing.centre, axis=1)
        assert apart.max() <= framing.radius + 1e-7


def two_labels() -> np.ndarray:
    labels = np.zeros((72, 96), np.int32)
    labels[10:40, 10:40] = 1
    labels[14:36, 14:40] = 0  # a C: its centre of mass lies outside of it
    labels[50:60, 60:80] = 70000
    return labels


def test_a_tag_stands_inside_its_mask_even_where_the_centre_does_not():
    labels = two_labels()
    for tag in tags(labels):
        column, row = int(tag.left / 100 * 96), int(tag.top / 100 * 72)
        assert labels[row, column] == tag.label
    assert [tag.label for tag in tags(labels)] == [1, 70000]


def test_masks_are_tinted_and_the_rest_is_nearly_grey():
    color = np.full((72, 96, 3), (40, 120, 200), np.uint8)
    picture = masks_over(color, two_labels()).astype(int)
    assert np.ptp(picture[5, 80]) < np.ptp(color[0, 0].astype(int)) / 2
    expected = 0.5 * color[0, 0] + 0.5 * np.array(label_color(70000))
    np.testing.assert_allclose(picture[55, 70], expected, atol=1)


def test_an_outline_follows_the_border_of_its_mask():
    labels = two_labels()
    picture = outlines_over(np.zeros((72, 96, 3), np.uint8), labels)
    drawn = picture.any(axis=2)
    assert drawn[50, 60:80].all()
    assert not drawn[55, 66:74].any()
    assert not drawn[:6].any()


def test_meshes_cover_the_image_only_where_they_are():
    color = np.full((72, 96, 3), 90, np.uint8)
    picture = meshes_over(color, [make_surface(box(0.1, (250, 20, 20)))], [AHEAD], CAMERA)
    assert picture[36, 48, 0] > picture[36, 48, 1] + 50
    assert np.ptp(picture[2, 2].astype(int)) == 0
