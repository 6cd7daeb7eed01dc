"""How well an object is placed, in the figures of pose benchmarks and of SAM 3D's paper.

Pose benchmarks know the model and ask for its pose; a reconstruction brings a shape of its own, whose object frame
means nothing to the true model. What they can ask of it is the pose that it implies: where the true model comes to lie
when it is laid onto the result by ICP. ICP starts from the truth, so that a result turned so far that it lies nearest
to another face of the truth counts as that much less turned; ADD-S and the shape figures see such results.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ...geometry import SE3, Mesh
from ...geometry.metrics import add, rotation_error
from ...geometry.oriented_box import OrientedBox, box_iou
from ...geometry.pose_errors import BOP_SHARES, DepthViews, bop_recall, mspd, mssd, vsd
from ...geometry.render import cast_rays
from ...geometry.surface_alignment import align_surfaces
from ...pipeline import Frame
from .normalised_shape import score_normalised
from .shape_score import ShapeScore, TruthSurface

_TENTH = 0.1  # of the true diameter


@dataclass(frozen=True, slots=True)
class PoseScore:
    """Figures of one object; `implied` marks those of the pose that the result implies for the true model."""

    add_s_both: float  # of the true diameter: mean of both mean distances between the surfaces
    add_s_both_below_tenth: float  # 1 where that is below 0.1, else 0
    icp_rot_deg: float  # rotation that lays the result onto the truth
    add_mm: float  # implied: mean distance of the true model's vertices from their true places
    add_below_tenth: float  # 1 where that is below a tenth of the true diameter, else 0
    mssd_mm: float  # implied: largest such distance, for the best symmetry
    mspd_px: float  # implied: the same in the image
    vsd: float  # 0-1, mean over the ten tolerances of BOP
    bop_recall: float  # 0-1, mean share of BOP's thresholds that VSD, MSSD and MSPD stay below
    box_iou: float  # 0-1, common volume over joint volume of the boxes along the axes of each object frame
    normal_chamfer: float  # both fitted into -1..1, laid on by ICP: mean of both mean distances
    normal_f1: float  # the same: harmonic mean of the shares within 0.01 of the other


def score_pose(mesh: Mesh, T_cam_obj: SE3, truth: TruthSurface, *, frame: Frame, shape: ShapeScore) -> PoseScore:
    """Score a mesh in its object frame with its pose; `shape` is what `score_mesh` says of it."""
    model, posed = truth.model, mesh.transformed(T_cam_obj)
    T_true_result = align_surfaces(posed, truth.mesh)  # within the camera optical frame
    T_cam_implied = T_true_result.inverse() @ model.T_cam_obj
    errors = vsd(_views(posed, truth.mesh, frame), truth.diameter * np.array(BOP_SHARES))
    mssd_m = mssd(model.mesh.vertices, T_cam_implied, model.T_cam_obj, model.symmetries)
    mspd_px = mspd(model.mesh.vertices, T_cam_implied, model.T_cam_obj, frame.camera, model.symmetries)
    add_m = add(model.mesh.vertices, T_cam_implied, model.T_cam_obj)
    add_s_both = shape.chamfer_mm / 1e3 / truth.diameter
    laid_on = model.T_cam_obj.inverse() @ T_true_result @ T_cam_obj
    normalised = score_normalised(mesh.transformed(laid_on), model.mesh)
    return PoseScore(
        add_s_both=add_s_both,
        add_s_both_below_tenth=float(add_s_both < _TENTH),
        icp_rot_deg=float(np.degrees(rotation_error(T_true_result, SE3.identity()))),
        add_mm=1e3 * add_m,
        add_below_tenth=float(add_m < _TENTH * truth.diameter),
        mssd_mm=1e3 * mssd_m,
        mspd_px=mspd_px,
        vsd=float(np.mean(errors)),
        bop_recall=bop_recall(errors, mssd_m / truth.diameter, mspd_px, width=frame.camera.width),
        box_iou=box_iou(OrientedBox.of(mesh, T_cam_obj), OrientedBox.of(model.mesh, model.T_cam_obj)),
        normal_chamfer=normalised.chamfer,
        normal_f1=normalised.f1,
    )


def score_pose_of_box(mesh: Mesh, T_cam_obj: SE3, truth: TruthSurface) -> PoseScore:
    """Score a mesh in its object frame against a truth of which only the box is known."""
    unknown = dict.fromkeys((item.name for item in fields(PoseScore)), float("nan"))
    overlap = box_iou(OrientedBox.of(mesh, T_cam_obj), OrientedBox.of(truth.model.mesh, truth.model.T_cam_obj))
    return PoseScore(**unknown | {"box_iou": overlap})


def _views(posed: Mesh, truth: Mesh, frame: Frame) -> DepthViews:
    return DepthViews(frame.camera, _depth(posed, frame), _depth(truth, frame), frame.pointmap[..., 2])


def _depth(posed: Mesh, frame: Frame) -> NDArray[np.float32]:
    return cast_rays([posed], [SE3.identity()], frame.camera).depth
