"""sam3d_ros/ReconstructedObjectArray: everything about each living object, meshes as packed arrays."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import numpy as np

from sam3d_ros.msg import ObjectQuality, PackedMesh, ReconstructedObject, ReconstructedObjectArray, StageLatency

from ...geometry import Mesh
from ...messages.names import OutputNames
from ...messages.version_cache import VersionCache
from ...pipeline import Quality, Reconstruction
from ...tracking.scene import ObjectState, SceneObject, SceneUpdate
from .common import header_message, packed, pose_with_covariance, stamp_message, vector_message

_STATES = {
    ObjectState.COARSE: ReconstructedObject.STATE_COARSE,
    ObjectState.COMPLETE: ReconstructedObject.STATE_COMPLETE,
    ObjectState.UNSEEN: ReconstructedObject.STATE_UNSEEN,
}

# Copied for each object, and all of its parts are then replaced: a constructor would first make every part anew.
_BLANK = ReconstructedObject()


def pack_mesh(mesh: Mesh) -> PackedMesh:
    """The mesh's three arrays as they lie in memory."""
    return PackedMesh(
        vertices=packed(mesh.vertices),
        triangles=packed(mesh.triangles.view(np.uint32)),
        vertex_colors=packed(mesh.vertex_colors),
    )


class PackedMeshes(VersionCache[PackedMesh]):
    """Packed meshes, made once for each version. The messages share them: do not change them."""

    def __init__(self) -> None:
        super().__init__(pack_mesh)


def build_objects(
    update: SceneUpdate,
    names: OutputNames,
    meshes: PackedMeshes,
    *,
    only_new_meshes: bool = False,
    mesh_files: Mapping[int, str] | None = None,
) -> ReconstructedObjectArray:
    """All living objects, stamped with the image.

    `only_new_meshes` leaves the mesh empty where its version has gone out before; `mesh_files` gives the exported files
    by object id.
    """
    files = mesh_files or {}
    meshes.keep_only(update)
    objects = []
    for scene_object in update.objects:
        wanted = not only_new_meshes or meshes.is_new(scene_object)
        mesh = meshes.get(scene_object) if wanted else PackedMesh()
        objects.append(build_object(scene_object, names, mesh, mesh_file=files.get(scene_object.object_id, "")))
    return ReconstructedObjectArray(header=header_message(update.stamp_ns, names.frame_id), objects=objects)


def build_object(
    scene_object: SceneObject, names: OutputNames, mesh: PackedMesh, *, mesh_file: str = ""
) -> ReconstructedObject:
    """One object as it stands in the scene."""
    message, detection = copy(_BLANK), scene_object.detection
    message.id, message.label = scene_object.object_id, scene_object.label
    message.child_frame_id = names.child_frame(scene_object.object_id)
    if detection is not None:
        message.class_id, message.class_score = detection.class_id, float(detection.score)
    message.state, message.measured = _STATES[scene_object.state], stamp_message(scene_object.stamp_ns)
    message.pose = pose_with_covariance(scene_object.T_ref_obj, scene_object.covariance)
    message.scale = float(scene_object.scale)
    message.size = vector_message(scene_object.mesh.extents)
    message.mesh_version, message.mesh, message.mesh_file = scene_object.mesh_version, mesh, mesh_file
    message.quality = _quality(scene_object.quality)
    message.latency = stage_latencies(scene_object.latency_ms)
    return message


def build_coarse(reconstruction: Reconstruction) -> ReconstructedObject:
    """The first pose and mesh for the feedback of the action: camera frame, not yet an object with an id."""
    return ReconstructedObject(
        label=reconstruction.label,
        state=ReconstructedObject.STATE_COARSE,
        pose=pose_with_covariance(reconstruction.T_cam_obj, reconstruction.covariance),
        scale=float(reconstruction.scale),
        size=vector_message(reconstruction.mesh.extents),
        mesh=pack_mesh(reconstruction.mesh),
        quality=_quality(reconstruction.quality),
        latency=stage_latencies(reconstruction.latency_ms),
    )


def stage_latencies(latency_ms: Mapping[str, float]) -> list[StageLatency]:
    """One entry for each stage, in the order of the mapping."""
    return [StageLatency(stage=stage, milliseconds=float(value)) for stage, value in latency_ms.items()]


def _quality(quality: Quality) -> ObjectQuality:
    return ObjectQuality(
        residual_rms=float(quality.residual_rms),
        inlier_ratio=float(quality.inlier_ratio),
        mask_iou=float(quality.mask_iou),
        free_space=float(quality.free_space),
        score=float(quality.score),
        depth_points=int(quality.depth_points),
        scale_source=quality.scale_source,
    )
