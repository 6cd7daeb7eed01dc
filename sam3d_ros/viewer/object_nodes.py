"""One object in the scene tree: its surface is sent once for each mesh version and moves with its frame."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Mesh
from ..geometry.conventions import glb_from_object
from ..geometry.gaussians import Gaussians
from ..geometry.glb import encode_glb
from ..geometry.transforms import SE3
from ..tracking import ObjectState, SceneObject
from .layers import Layers, Surface
from .words import object_label

_BOX_COLORS = {
    ObjectState.COARSE: np.array([255, 150, 30], np.uint8),
    ObjectState.COMPLETE: np.array([60, 190, 110], np.uint8),
    ObjectState.UNSEEN: np.array([150, 150, 150], np.uint8),
}
_DIM_COLOR, _DIM_SHARE = 165.0, 0.7
# A GLB is y up: this turns its content into the object frame.
_T_OBJ_GLB = SE3.from_rotation(glb_from_object(np.eye(3)).astype(np.float64), np.zeros(3))
_EDGES = np.array([(a, b) for a in range(8) for b in range(8) if a < b and (a ^ b) in (1, 2, 4)])


class ObjectNodes:
    """The nodes of one object below `/objects/<id>`, in a viser server's scene."""

    def __init__(self, scene: Any, item: SceneObject, tf_name: str) -> None:
        self._scene = scene
        self._path = f"/objects/{item.object_id}"
        self._version = -1
        self._gaussians: Gaussians | None = None
        self._mesh: Any = None
        self._dim_mesh: Any = None  # sent when the object is first unseen
        self._splats: Any = None
        self._box: Any = None
        # Everything starts hidden: pages draw between messages too.
        self._frame = scene.add_frame(self._path, show_axes=False, visible=False)
        self._label = scene.add_label(
            f"{self._path}/label", "", anchor="bottom-center", font_screen_scale=0.9, visible=False
        )
        self._tf_label = scene.add_label(
            f"{self._path}/tf", tf_name, anchor="top-left", font_screen_scale=0.7, visible=False
        )

    def show(self, item: SceneObject, layers: Layers) -> None:
        """Bring the nodes to an object's present state; sends its surface only where that is new."""
        self._frame.wxyz, self._frame.position = item.T_ref_obj.quat_wxyz, item.T_ref_obj.translation_xyz
        if item.mesh_version != self._version or item.gaussians is not self._gaussians:
            self._version, self._gaussians = item.mesh_version, item.gaussians
            self._send(item)
        if item.state is ObjectState.UNSEEN and self._dim_mesh is None:
            self._dim_mesh = self._add_mesh("dim", dimmed(item.mesh))
        self._set(self._label, "text", object_label(item))
        self._set(self._box, "colors", _BOX_COLORS[item.state])
        self._set_visible(item, layers)

    def remove(self) -> None:
        """Take the object out of the scene."""
        self._frame.remove()

    def _send(self, item: SceneObject) -> None:
        for node in (self._mesh, self._dim_mesh, self._splats, self._box):
            if node is not None:
                node.remove()
        self._mesh, self._dim_mesh = self._add_mesh("mesh", item.mesh), None
        self._splats = None if item.gaussians is None else self._add_splats(item.gaussians)
        self._box = self._add_box(item.mesh)
        extents, centre = item.mesh.extents, item.mesh.box_centre
        self._label.position = centre + np.array([0.0, 0.0, extents[2] / 2 + 0.01])
        self._frame.axes_length = float(np.clip(0.6 * extents.max(), 0.02, 0.12))
        self._frame.axes_radius = self._frame.axes_length / 30
        self._frame.origin_radius = self._frame.axes_length / 20

    def _add_mesh(self, name: str, mesh: Mesh) -> Any:
        if not len(mesh.triangles):
            return None
        return self._scene.add_glb(
            f"{self._path}/{name}",
            # Without its inside, a thin wall that is seen from behind would be a hole.
            encode_glb(mesh, double_sided=True),
            wxyz=_T_OBJ_GLB.quat_wxyz,
            visible=False,
            cast_shadow=False,
            receive_shadow=False,
        )

    def _add_splats(self, gaussians: Gaussians) -> Any:
        return self._scene.add_gaussian_splats(
            f"{self._path}/splats",
            gaussians.means,
            covariances(gaussians),
            gaussians.colors,
            gaussians.opacities[:, None],
            visible=False,
        )

    def _add_box(self, mesh: Mesh) -> Any:
        return self._scene.add_line_segments(
            f"{self._path}/box",
            box_edges(mesh),
            colors=_BOX_COLORS[ObjectState.COMPLETE],
            thickness=2.0,
            thickness_units="screen",
            visible=False,
        )

    def _set_visible(self, item: SceneObject, layers: Layers) -> None:
        unseen = item.state is ObjectState.UNSEEN
        splats = layers.surface is Surface.SPLATS and self._splats is not None and not unseen
        mesh = layers.surface is not Surface.NOTHING and not splats
        shown = {
            "mesh": (self._mesh, mesh and not unseen),
            "dim": (self._dim_mesh, mesh and unseen),
            "splats": (self._splats, splats),
            "box": (self._box, layers.boxes),
            "label": (self._label, layers.labels),
            "tf": (self._tf_label, layers.axes),
            "whole": (self._frame, layers.unseen or not unseen),
        }
        for node, visible in shown.values():
            self._set(node, "visible", visible)
        self._set(self._frame, "show_axes", layers.axes)

    @staticmethod
    def _set(node: Any, name: str, value: Any) -> None:
        """Assign what differs: each assignment is a message to the page."""
        if node is not None and not np.array_equal(getattr(node, name), value):
            setattr(node, name, value)


def dimmed(mesh: Mesh) -> Mesh:
    """The mesh in pale colours, for an object that is not seen at present."""
    colors = (1 - _DIM_SHARE) * mesh.vertex_colors + _DIM_SHARE * _DIM_COLOR
    return Mesh(mesh.vertices, mesh.triangles, np.rint(colors).astype(np.uint8))


def box_edges(mesh: Mesh) -> NDArray[np.float32]:
    """The twelve edges of the box along the object's axes, [12, 2, 3], object frame."""
    signs = np.array([[(corner >> axis & 1) - 0.5 for axis in range(3)] for corner in range(8)])
    corners = mesh.box_centre + signs * mesh.extents
    edges: NDArray[np.float32] = corners[_EDGES].astype(np.float32)
    return edges


def covariances(gaussians: Gaussians) -> NDArray[np.float32]:
    """Covariance of each ellipsoid in the object frame, [G, 3, 3] m2."""
    axes = gaussians.rotations() * gaussians.scales[:, None, :]
    covariance: NDArray[np.float32] = axes @ axes.transpose(0, 2, 1)
    return covariance
