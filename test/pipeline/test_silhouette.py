"""Outline of a mesh against a mask: the quick ways against the plain ones."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, PinholeCamera
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.geometry.pose_batch import PoseBatch
from sam3d_ros.geometry.render import cast_rays
from sam3d_ros.pipeline.silhouette import Outlines, Sight, View, compare_silhouettes, moved_ious, seen_through
from sam3d_ros.pipeline.surface_model import SurfaceModel

CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
MESH = box_mesh(np.array([0.15, 0.1, 0.08]), color=np.full(3, 128.0))
FIRST = SE3.from_rotation([[1, 0, 0], [0, -0.6, -0.8], [0, 0.8, -0.6]], [0.05, -0.04, 0.8])


def view_of(pose: SE3, label: int = 1) -> View:
    hits = cast_rays([MESH], [pose], CAMERA)
    return View(np.where(hits.index >= 0, label, 0).astype(np.int32), CAMERA)


def outlines_at(poses: list[SE3], view: View) -> Outlines:
    """The mesh at each of the poses, said to be what label 1 shows."""
    v, u = np.nonzero(view.labels == 1)
    sight = Sight(np.zeros((0, 3)), 1, (int(u.min()), int(v.min()), int(u.max()), int(v.max())))
    surface = SurfaceModel(MESH)
    return Outlines.of([surface] * len(poses), PoseBatch.of(poses), [sight] * len(poses))


def dense_iou(pose: SE3, view: View) -> float:
    on_mesh, in_mask = cast_rays([MESH], [pose], CAMERA).index >= 0, view.labels == 1
    return float((on_mesh & in_mask).sum() / (on_mesh | in_mask).sum())


def moved(pose: SE3, xyz) -> SE3:
    return SE3(pose.quat_wxyz, pose.translation_xyz + xyz)


@pytest.mark.parametrize("shift", [(0, 0, 0), (0.01, 0, 0), (-0.03, 0.02, 0.05), (0.3, 0, 0)])
def test_the_overlap_is_that_of_all_pixels(shift):
    view = view_of(moved(FIRST, shift))
    silhouettes = compare_silhouettes(outlines_at([FIRST], view), view)
    assert silhouettes.iou[0] == pytest.approx(dense_iou(FIRST, view), abs=0.04)


@pytest.mark.parametrize("shift", [(0.01, 0, 0), (-0.004, 0.006, 0)])
def test_the_mask_lies_as_far_beside_the_mesh_as_it_was_moved(shift):
    view = view_of(moved(FIRST, shift))
    silhouettes = compare_silhouettes(outlines_at([FIRST], view), view)
    assert silhouettes.beside_xy[0] == pytest.approx(shift[:2], abs=0.0025)
    assert silhouettes.trust[0] > 0.8


def test_several_objects_get_what_each_gets_alone():
    poses = [FIRST, SE3(FIRST.quat_wxyz, np.array([5.0, 0.0, 1.0])), moved(FIRST, [0.02, 0, 0.1])]
    view = view_of(FIRST)
    together = compare_silhouettes(outlines_at(poses, view), view)
    settled = [moved(pose, [0.003, -0.002, 0.01]) for pose in poses]
    ious = moved_ious(together, outlines_at(poses, view), PoseBatch.of(settled).translation_xyz, view)
    for i, (pose, after) in enumerate(zip(poses, settled, strict=True)):
        alone = compare_silhouettes(outlines_at([pose], view), view)
        for figure in ("iou", "beside_xy", "trust", "mask_count"):
            assert np.array_equal(getattr(together, figure)[i], getattr(alone, figure)[0])
        assert ious[i] == moved_ious(alone, outlines_at([pose], view), after.translation_xyz[None], view)[0]


def test_what_lies_behind_the_camera_covers_nothing_of_the_mask():
    behind, view = SE3(FIRST.quat_wxyz, np.array([0.0, 0.0, -1.0])), view_of(FIRST)
    assert compare_silhouettes(outlines_at([behind], view), view).iou[0] == 0.0


def test_what_is_not_in_the_image_has_no_overlap():
    view = view_of(FIRST)
    far = PoseBatch.of([SE3(FIRST.quat_wxyz, np.array([9.0, 0.0, 1.0]))])
    outside = Outlines([SurfaceModel(MESH)], far, np.array([1]), np.array([[400, 300, 390, 290]]))
    silhouettes = compare_silhouettes(outside, view)
    assert np.isnan(silhouettes.iou[0])
    assert silhouettes.trust[0] == 0.0
    assert not silhouettes.beside_xy.any()


@pytest.mark.parametrize("move", [(0.002, 0, 0), (0.02, -0.01, 0), (-0.01, 0.01, 0.06), (0.0005, 0, -0.03)])
@pytest.mark.parametrize("mask_at", ["first", "settled"])
def test_the_overlap_after_a_small_move_needs_no_new_rays(move, mask_at):
    settled = moved(FIRST, move)
    view = view_of(FIRST if mask_at == "first" else settled)
    outlines = outlines_at([FIRST], view)
    before = compare_silhouettes(outlines, view)
    answer = moved_ious(before, outlines, settled.translation_xyz[None], view)
    assert answer[0] == pytest.approx(dense_iou(settled, view), abs=0.06)


def test_what_hides_the_mesh_moves_with_the_lookup():
    """A nearer board covers the right half of the picture: hidden parts of the mesh do not count against it."""
    labels = view_of(FIRST).labels
    right = np.arange(320) > 180
    depth = np.where(right, 0.4, 2.0) * np.ones((240, 1))
    view = View(np.where(right, 0, labels).astype(np.int32), CAMERA, depth)
    outlines = outlines_at([FIRST], View(labels, CAMERA))
    before = compare_silhouettes(outlines, view)
    assert before.iou[0] > 0.95
    assert moved_ious(before, outlines, FIRST.translation_xyz[None] + [0.006, 0.0, 0.0], view)[0] > 0.85


def test_a_mesh_in_front_of_what_was_read_was_seen_through():
    """Depth of the mesh's lower half, and of a wall behind it where its upper half should be."""
    hits = cast_rays([MESH], [FIRST], CAMERA)
    rows = np.nonzero((hits.index >= 0).any(axis=1))[0]
    gone = (np.arange(240)[:, None] < rows.mean()) | (hits.index < 0)
    depth = np.where(gone, np.float32(2.0), hits.depth)
    labels = (hits.index >= 0).astype(np.int32)
    outlines = outlines_at([FIRST], View(labels, CAMERA))
    tolerance = np.array([0.01])
    rays = compare_silhouettes(outlines, View(labels, CAMERA, depth)).rays
    expected = (gone & (hits.index >= 0)).sum() / (hits.index >= 0).sum()
    assert seen_through(rays, 1, View(labels, CAMERA, depth), tolerance)[0] == pytest.approx(expected, abs=0.05)
    near = np.where(gone, np.float32(0.4), hits.depth)  # something before it instead: nothing is known of it
    assert seen_through(rays, 1, View(labels, CAMERA, near), tolerance)[0] == 0.0
    unread = np.where(gone, np.float32(np.nan), hits.depth)
    assert seen_through(rays, 1, View(labels, CAMERA, unread), tolerance)[0] == 0.0
    assert np.isnan(seen_through(rays, 1, View(labels, CAMERA, np.full_like(depth, np.nan)), tolerance)[0])
    assert np.isnan(seen_through(rays, 1, View(labels, CAMERA), tolerance)[0])
