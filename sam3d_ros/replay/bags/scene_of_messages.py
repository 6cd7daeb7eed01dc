"""The scene that was published, read back from messages; the counterpart of `result_messages`. Without ROS."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...geometry import Mesh
from ...pipeline import Detection, Quality, Rejection, RejectionReason
from ...pipeline.decode import pose_of, stamp_ns
from ...tracking import ObjectState, SceneObject, SceneUpdate

_STATES = {0: ObjectState.COARSE, 1: ObjectState.COMPLETE, 2: ObjectState.UNSEEN}


def scene_of_messages(objects: Any, rejections: Any) -> SceneUpdate:
    """The final scene of a frame from its ReconstructedObjectArray and RejectionArray; either may be None."""
    head = objects if objects is not None else rejections
    return SceneUpdate(
        stamp_ns(head),
        () if objects is None else tuple(_object(item, stamp_ns(objects)) for item in objects.objects),
        () if rejections is None else tuple(_rejection(item) for item in rejections.rejections),
        (),
        final=True,
    )


def _object(item: Any, stamp: int) -> SceneObject:
    return SceneObject(
        object_id=int(item.id),
        label=int(item.label),
        detection=Detection(str(item.class_id), float(item.class_score)) if item.class_id else None,
        state=_STATES[int(item.state)],
        mesh=_mesh(item.mesh),
        mesh_version=int(item.mesh_version),
        T_ref_obj=pose_of(item.pose.pose),
        covariance=np.asarray(item.pose.covariance, np.float64).reshape(6, 6),
        scale=float(item.scale),
        quality=_quality(item.quality),
        stamp_ns=_measured(item, stamp),
        latency_ms={str(stage.stage): float(stage.milliseconds) for stage in item.latency},
    )


def _measured(item: Any, stamp: int) -> int:
    """Recordings of before the field was there say nothing: then the stamp of the array stands in."""
    measured = getattr(item, "measured", None)
    return stamp if measured is None else int(measured.sec) * 10**9 + int(measured.nanosec)


def _mesh(packed: Any) -> Mesh:
    return Mesh(
        np.asarray(packed.vertices, np.float32).reshape(-1, 3),
        np.asarray(packed.triangles, np.uint32).astype(np.int32).reshape(-1, 3),
        np.asarray(packed.vertex_colors, np.uint8).reshape(-1, 3),
    )


def _quality(quality: Any) -> Quality:
    return Quality(
        residual_rms=float(quality.residual_rms),
        inlier_ratio=float(quality.inlier_ratio),
        mask_iou=float(quality.mask_iou),
        free_space=float(quality.free_space),
        depth_points=int(quality.depth_points),
        scale_source=str(quality.scale_source),
    )


def _rejection(item: Any) -> Rejection:
    return Rejection(int(item.label), RejectionReason(str(item.reason)), str(item.detail))
