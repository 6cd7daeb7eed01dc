"""The camera in the scene tree: its frustum with the picture, and the measured points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..geometry import PinholeCamera
from ..tracking import ObjectState, SceneUpdate
from .layers import Layers
from .shown import CameraView, SceneCloud, ShownFrame

_PATH = "/camera"
_SCALE = 0.04  # m, of the drawn frustum
_COLOR = (70, 110, 170)
_OVERLAP = 1.3  # of neighbouring points, so that a surface looks closed


class CameraNodes:
    """Frustum and cloud below `/camera`, both in the camera optical frame."""

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._frame = scene.add_frame(_PATH, show_axes=False)
        self._frustum: Any = None
        self._cloud: Any = None
        self._camera: PinholeCamera | None = None
        self._view: CameraView | None = None
        self._hidden: frozenset[int] = frozenset()

    def show(self, frame: ShownFrame, layers: Layers) -> None:
        """Bring picture, points and pose to those of a frame; without a camera's view everything is hidden."""
        view = frame.view
        self._frame.visible = view is not None
        if view is None:
            return
        self._frame.wxyz, self._frame.position = view.T_ref_cam.quat_wxyz, view.T_ref_cam.translation_xyz
        if view is not self._view:
            self._show_frustum(view)
        hidden = frozenset() if layers.object_points else _labels_of_objects(frame.update)
        if view is not self._view or hidden != self._hidden:
            self._show_cloud(view.cloud, hidden)
        self._view, self._hidden = view, hidden
        if self._frustum is not None:
            self._frustum.visible = layers.camera
        if self._cloud is not None:
            self._cloud.visible = layers.cloud

    def _show_frustum(self, view: CameraView) -> None:
        if view.camera == self._camera:
            self._frustum.image = view.picture
            return
        self._camera = view.camera
        self._frustum = self._scene.add_camera_frustum(
            f"{_PATH}/picture",
            fov=2 * math.atan(view.camera.height / 2 / view.camera.fy),
            aspect=view.camera.width / view.camera.height,
            scale=_SCALE,
            thickness=2.0,
            thickness_units="screen",
            color=_COLOR,
            image=view.picture,
            format="jpeg",
            cast_shadow=False,
            receive_shadow=False,
        )

    def _show_cloud(self, cloud: SceneCloud | None, hidden: frozenset[int]) -> None:
        if self._cloud is not None:
            self._cloud.remove()
            self._cloud = None
        kept = None if cloud is None else ~np.isin(cloud.labels, list(hidden))
        if cloud is None or kept is None or not kept.any():
            return
        self._cloud = self._scene.add_point_cloud(
            f"{_PATH}/cloud",
            cloud.offsets[kept],
            cloud.colors[kept],
            point_size=_OVERLAP * cloud.spacing,
            point_shape="square",
            point_shading="flat",
            position=cloud.centre,
        )


def _labels_of_objects(update: SceneUpdate) -> frozenset[int]:
    """Labels of the masks that objects stand for; rejected masks keep their points."""
    return frozenset(item.label for item in update.objects if item.state is not ObjectState.UNSEEN)
