"""Outline of a mesh against a mask: the quick ways against the plain ones."""

from __future__ import annotations

import numpy as np
import pytest

from sam3d_ros.geometry import SE3, PinholeCamera
from sam3d_ros.geometry.render import cast_rays
from sam3d_ros.pipeline.fake import box_mesh
from sam3d_ros.pipeline.silhouette import Outline, Sight, compare_silhouettes, moved_iou
from sam3d_ros.pipeline.surface_model import SurfaceModel

CAMERA = PinholeCamera(320, 240, 300.0, 300.0, 159.5, 119.5)
MESH = box_mesh(np.array([0.15, 0.1, 0.08]), color=np.full(3, 128.0))
FIRST = SE3.from_rotation([[1, 0, 0], [0, -0.6, -0.8], [0, 0.8, -0.6]], [0.05, -0.04, 0.8])


def sight_at(pose: SE3, label: int = 1) -> Sight:
    hits = cast_rays([MESH], [pose], CAMERA)
    labels = np.where(hits.index >= 0, label, 0).astype(np.int32)
    v, u = np.nonzero(labels)
    box = (int(u.min()), int(v.min()), int(u.max()), int(v.max()))
    return Sight(np.zeros((0, 3)), labels, label, box)


def dense_iou(pose: SE3, sight: Sight) -> float:
    on_mesh, in_mask = cast_rays([MESH], [pose], CAMERA).index >= 0, sight.labels == sight.label
    return float((on_mesh & in_mask).sum() / (on_mesh | in_mask).sum())


@pytest.mark.parametrize("shift", [(0, 0, 0), (0.01, 0, 0), (-0.03, 0.02, 0.05), (0.3, 0, 0)])
def test_the_overlap_is_that_of_all_pixels(shift):
    seen = sight_at(SE3(FIRST.quat_wxyz, FIRST.translation_xyz + shift))
    silhouette = compare_silhouettes([Outline(SurfaceModel(MESH), FIRST, seen)], CAMERA)[0]
    assert silhouette.iou == pytest.approx(dense_iou(FIRST, seen), abs=0.04)


def test_several_objects_get_what_each_gets_alone():
    surface, far = SurfaceModel(MESH), SE3(FIRST.quat_wxyz, np.array([5.0, 0.0, 1.0]))
    outlines = [Outline(surface, pose, sight_at(FIRST)) for pose in (FIRST, far, FIRST)]
    together = compare_silhouettes(outlines, CAMERA)
    alone = [compare_silhouettes([outline], CAMERA)[0] for outline in outlines]
    assert [silhouette.iou for silhouette in together] == [silhouette.iou for silhouette in alone]


def test_what_lies_behind_the_camera_covers_nothing_of_the_mask():
    behind = SE3(FIRST.quat_wxyz, np.array([0.0, 0.0, -1.0]))
    assert compare_silhouettes([Outline(SurfaceModel(MESH), behind, sight_at(FIRST))], CAMERA)[0].iou == 0.0


@pytest.mark.parametrize("move", [(0.002, 0, 0), (0.02, -0.01, 0), (-0.01, 0.01, 0.06), (0.0005, 0, -0.03)])
@pytest.mark.parametrize("mask_at", ["first", "settled"])
def test_the_overlap_after_a_small_move_needs_no_new_rays(move, mask_at):
    settled = SE3(FIRST.quat_wxyz, FIRST.translation_xyz + move)
    outline = Outline(SurfaceModel(MESH), FIRST, sight_at(FIRST if mask_at == "first" else settled))
    before = compare_silhouettes([outline], CAMERA)[0]
    answer = moved_iou(before, outline, settled, CAMERA)
    assert answer == pytest.approx(dense_iou(settled, outline.sight), abs=0.06)


def test_what_hides_the_mesh_moves_with_the_lookup():
    """A nearer board covers the right half of the picture: hidden parts of the mesh do not count against it."""
    sight = sight_at(FIRST)
    right = np.arange(320) > 180
    labels = np.where(right, 0, sight.labels).astype(np.int32)
    depth = np.where(right, 0.4, 2.0) * np.ones((240, 1))
    outline = Outline(SurfaceModel(MESH), FIRST, Sight(sight.points, labels, 1, sight.box, depth))
    before = compare_silhouettes([outline], CAMERA)[0]
    settled = SE3(FIRST.quat_wxyz, FIRST.translation_xyz + [0.006, 0.0, 0.0])
    assert before.iou > 0.95
    assert moved_iou(before, outline, settled, CAMERA) > 0.85
