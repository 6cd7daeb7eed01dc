"""The scene of the page as a whole: objects, camera, up direction and first viewpoint."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from ..tracking import SceneObject
from .camera_nodes import CameraNodes
from .layers import Layers
from .object_nodes import ObjectNodes
from .shown import ShownFrame
from .viewpoint import first_viewpoint, up_direction

# A light of intensity pi gives a matt surface its own colour: both together do.
_AMBIENT, _DIRECTED = 0.7 * math.pi, 0.3 * math.pi
_SETTLING_S = 0.5


class Stage:
    """Draws one frame after another into a viser server. All calls come from one thread."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._camera = CameraNodes(server.scene)
        self._objects: dict[int, ObjectNodes] = {}
        self._oriented_by = ""  # reference frame for which up is set; "(guess)" behind it while no object said more
        self._placed_for = ""  # and the one for which the viewpoint is
        self._move_at = math.inf  # when pages that are open go to a new viewpoint
        self._key_light = _light(server.scene)

    def show(self, frame: ShownFrame, layers: Layers) -> None:
        """Draw a frame; what it no longer holds vanishes."""
        with self._server.atomic():
            self._orient(frame)
            self._camera.show(frame, layers)
            for object_id in self._objects.keys() - {item.object_id for item in frame.update.objects}:
                self._objects.pop(object_id).remove()
            for item in frame.update.objects:
                self._nodes(item, frame).show(item, layers)
        self._place(frame)

    def settle(self) -> None:
        """Move the pages that are open to a new viewpoint; to be called often.

        Not at once: up goes to all pages and the viewpoint to each, on ways of which neither waits for the other.
        """
        if time.monotonic() < self._move_at:
            return
        self._move_at = math.inf
        for client in self._server.get_clients().values():
            _move(client, self._server.initial_camera)

    def _nodes(self, item: SceneObject, frame: ShownFrame) -> ObjectNodes:
        if item.object_id not in self._objects:
            name = frame.tf_names.get(item.object_id, "")
            self._objects[item.object_id] = ObjectNodes(self._server.scene, item, name)
        return self._objects[item.object_id]

    def _orient(self, frame: ShownFrame) -> None:
        """Set up once for each reference frame, and once more when the first objects tell it better."""
        guessed = frame.optical and not frame.update.objects
        key = frame.frame_id + ("(guess)" if guessed else "")
        if self._oriented_by in (key, frame.frame_id):
            return
        self._oriented_by = key
        self._server.scene.set_up_direction(up_direction(frame))

    def _place(self, frame: ShownFrame) -> None:
        key = self._oriented_by + ("" if frame.update.objects else "(empty)")
        viewpoint = first_viewpoint(frame)
        if viewpoint is None or self._placed_for in (key, frame.frame_id):
            return
        self._placed_for = key
        back, up = viewpoint.position - viewpoint.look_at, up_direction(frame)
        self._key_light.position = up + back / np.linalg.norm(back)
        initial = self._server.initial_camera
        initial.position, initial.look_at, initial.up = viewpoint.position, viewpoint.look_at, up
        self._move_at = time.monotonic() + _SETTLING_S


def _move(client: Any, viewpoint: Any) -> None:
    """Move the page's camera to an `InitialCameraConfig`."""
    with client.atomic():
        client.camera.up_direction = viewpoint.up
        client.camera.position = viewpoint.position
        client.camera.look_at = viewpoint.look_at


def _light(scene: Any) -> Any:
    """Light under which a surface that faces it has just the colour of its vertices, and no other is brighter.

    viser's own lights are for surfaces without colours of their own, and make photographed ones pale. Returns the one
    that has a direction: it shines from its position towards the origin.
    """
    scene.configure_default_lights(enabled=False)
    scene.configure_environment_map(None)
    scene.add_light_ambient("/light/ambient", intensity=_AMBIENT)
    return scene.add_light_directional("/light/key", intensity=_DIRECTED, position=(0.0, 0.0, 1.0))
