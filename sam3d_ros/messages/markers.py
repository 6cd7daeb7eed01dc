"""What RViz and Foxglove show: meshes that hang on their TF frames, and labels and boxes of each frame.

Two arrays go out on the same topic. The meshes are sent only when one of them changes: each marker stands in its
object's own TF frame, so TF moves it and it never blinks. Labels and boxes are small and go with every frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh
from ..geometry.mesh_io import content_hash, write_mesh
from ..tracking.scene import ObjectState, SceneObject, SceneUpdate
from .marker_data import MarkerAction, MarkerData, MarkerType, triangle_list
from .mesh_reduction import capped
from .names import OutputNames
from .version_cache import VersionCache

MESH_NS, LABEL_NS, BOX_NS = "mesh", "label", "box"
_BOX_RGBA = {
    ObjectState.COARSE: (1.0, 0.75, 0.0, 0.9),
    ObjectState.COMPLETE: (0.1, 0.9, 0.3, 0.9),
    ObjectState.UNSEEN: (0.6, 0.6, 0.6, 0.6),
}
_TEXT_RGBA = (1.0, 1.0, 1.0, 1.0)
# Corners are numbered by their bits x, y, z; an edge joins two that differ in one bit.
_UPRIGHT = SE3.identity().quat_wxyz
_CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_EDGES = np.array([(a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit])
_EDGE_ENDS = _CORNERS[_EDGES].reshape(-1, 3)


class MarkerForm(Enum):
    """How a mesh travels to the viewer."""

    TRIANGLE_LIST = "triangle_list"  # inside the message: over any network, into any bag
    MESH_RESOURCE = "mesh_resource"  # as a file:// address: small messages, but the viewer must see the same disk


@dataclass(frozen=True, slots=True)
class MarkerConfig:
    """`folder` is needed for MESH_RESOURCE only: the files there are named by their content."""

    form: MarkerForm = MarkerForm.TRIANGLE_LIST
    max_triangles: int = 20_000
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.max_triangles < 4:
            raise ValueError(f"max_triangles of a marker must be at least 4, got {self.max_triangles}")
        if self.form is MarkerForm.MESH_RESOURCE and self.folder is None:
            raise ValueError("markers of form mesh_resource need a folder for their files: set output_folder")


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    """The part of a mesh marker that depends on the mesh alone."""

    points: NDArray[np.float64]
    colors: NDArray[np.float32]
    uri: str


class MeshMarkers:
    """The latched array of mesh markers; remembers which versions are out."""

    def __init__(self, names: OutputNames, config: MarkerConfig) -> None:
        self._names = names
        self._config = config
        self._bodies: VersionCache[_Body] = VersionCache(self._body)

    def update(self, update: SceneUpdate) -> list[MarkerData] | None:
        """The whole array where a mesh is new or gone, else None.

        Objects that are gone are deleted by name, once; those that stay are sent again under the same (ns, id), which
        viewers replace without blinking.
        """
        changed = any(self._bodies.is_new(scene_object) for scene_object in update.objects)
        gone = self._bodies.keep_only(update)
        if not changed and not gone:
            return None
        deleted = [self._deletion(object_id, update.stamp_ns) for object_id in gone]
        return deleted + [self._marker(scene_object, update.stamp_ns) for scene_object in update.objects]

    def clear(self, stamp_ns: int) -> list[MarkerData]:
        """Deletes everything, e.g. on ~/clear or a jump in time."""
        self._bodies.clear()
        return [_marker_of_all(self._names.frame_id, stamp_ns)]

    def _marker(self, scene_object: SceneObject, stamp_ns: int) -> MarkerData:
        body = self._bodies.get(scene_object)
        return MarkerData(
            frame_id=self._names.child_frame(scene_object.object_id),
            stamp_ns=stamp_ns,
            ns=MESH_NS,
            marker_id=scene_object.object_id,
            type=MarkerType.MESH_RESOURCE if body.uri else MarkerType.TRIANGLE_LIST,
            frame_locked=True,
            points=body.points,
            colors=body.colors,
            mesh_resource=body.uri,
            use_embedded_materials=bool(body.uri),
        )

    def _deletion(self, object_id: int, stamp_ns: int) -> MarkerData:
        return MarkerData(
            frame_id=self._names.frame_id,
            stamp_ns=stamp_ns,
            ns=MESH_NS,
            marker_id=object_id,
            type=MarkerType.TRIANGLE_LIST,
            action=MarkerAction.DELETE,
        )

    def _body(self, mesh: Mesh) -> _Body:
        mesh = capped(mesh, self._config.max_triangles)
        if self._config.form is MarkerForm.TRIANGLE_LIST:
            return _Body(*triangle_list(mesh), uri="")
        empty = triangle_list(Mesh(mesh.vertices[:0], mesh.triangles[:0], mesh.vertex_colors[:0]))
        return _Body(*empty, uri=self._write(mesh))

    def _write(self, mesh: Mesh) -> str:
        """Address of the mesh's file. The name is its content, because viewers keep what they once loaded."""
        assert self._config.folder is not None
        path = self._config.folder.resolve() / f"{content_hash(mesh)}.ply"
        if not path.exists():
            write_mesh(path, mesh)
        return path.as_uri()


def overlay_markers(update: SceneUpdate, names: OutputNames, *, removed: Sequence[int] = ()) -> list[MarkerData]:
    """Label and box of each object in the output frame, posed for the image stamp; `removed` ids are deleted."""
    gone = dict.fromkeys([*update.removed_ids, *removed])
    deleted = [_overlay_deletion(ns, object_id, update, names) for object_id in gone for ns in (LABEL_NS, BOX_NS)]
    shown = [make(scene_object, update, names) for scene_object in update.objects for make in (_label, _box)]
    return deleted + shown


def label_text(scene_object: SceneObject) -> str:
    """Class, id and how well the mesh agrees with the depth, e.g. `cup 3  1.8 mm`."""
    name = scene_object.detection.class_id if scene_object.detection else ""
    parts = [f"{name or 'object'} {scene_object.object_id}"]
    if math.isfinite(scene_object.quality.residual_rms):
        parts.append(f"{scene_object.quality.residual_rms * 1000:.1f} mm")
    if scene_object.state is not ObjectState.COMPLETE:
        parts.append(f"({scene_object.state.value})")
    return "  ".join(parts)


def _label(scene_object: SceneObject, update: SceneUpdate, names: OutputNames) -> MarkerData:
    extents = scene_object.mesh.extents.tolist()
    height = min(max(0.25 * max(extents), 0.012), 0.1)
    # Above the object in its own frame, where z is up.
    T_ref_text = SE3(_UPRIGHT, scene_object.T_ref_obj.apply([0.0, 0.0, extents[2] / 2 + height]))
    return MarkerData(
        frame_id=names.frame_id,
        stamp_ns=update.stamp_ns,
        ns=LABEL_NS,
        marker_id=scene_object.object_id,
        type=MarkerType.TEXT_VIEW_FACING,
        T_frame_marker=T_ref_text,
        scale=(0.0, 0.0, height),
        rgba=_TEXT_RGBA,
        text=label_text(scene_object),
    )


def _box(scene_object: SceneObject, update: SceneUpdate, names: OutputNames) -> MarkerData:
    mesh = scene_object.mesh
    centre = mesh.box_centre if len(mesh.vertices) else np.zeros(3)
    return MarkerData(
        frame_id=names.frame_id,
        stamp_ns=update.stamp_ns,
        ns=BOX_NS,
        marker_id=scene_object.object_id,
        type=MarkerType.LINE_LIST,
        T_frame_marker=scene_object.T_ref_obj,
        scale=(0.002, 0.0, 0.0),  # line width
        rgba=_BOX_RGBA[scene_object.state],
        points=centre + _EDGE_ENDS * mesh.extents,
    )


def _overlay_deletion(ns: str, object_id: int, update: SceneUpdate, names: OutputNames) -> MarkerData:
    return MarkerData(
        frame_id=names.frame_id,
        stamp_ns=update.stamp_ns,
        ns=ns,
        marker_id=object_id,
        type=MarkerType.LINE_LIST,
        action=MarkerAction.DELETE,
    )


def _marker_of_all(frame_id: str, stamp_ns: int) -> MarkerData:
    return MarkerData(
        frame_id=frame_id,
        stamp_ns=stamp_ns,
        ns="",
        marker_id=0,
        type=MarkerType.CUBE,
        action=MarkerAction.DELETE_ALL,
    )
