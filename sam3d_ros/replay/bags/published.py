"""What a node published, put together by the stamp of its frame; meshes that messages leave out are remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...geometry import Mesh
from ...pipeline.decode import stamp_ns
from ...tracking import SceneObject, SceneUpdate
from .bag import Bag
from .result_topics import ResultTopics
from .scene_of_messages import scene_of_messages


@dataclass(frozen=True, slots=True, eq=False)
class PublishedScene:
    """The scene after a frame. `update.final` is false while the frame's rejections have not come."""

    update: SceneUpdate
    frame_id: str
    tf_names: Mapping[int, str] = field(default_factory=dict)
    latency_ms: float = float("nan")
    objects_of_before: bool = False  # nothing was said of the objects after this frame

    @property
    def without_mesh(self) -> tuple[int, ...]:
        """Ids of objects whose mesh never came."""
        return tuple(item.object_id for item in self.update.objects if not len(item.mesh.triangles))


class PublishedScenes:
    """Takes messages in the order in which they came and gives the scene as it then is known.

    Where nobody publishes rejections (`rejections_expected` false), objects are the last word of a frame.
    """

    def __init__(self, *, rejections_expected: bool = True) -> None:
        self._rejections_expected = rejections_expected
        self._meshes: dict[int, tuple[int, Mesh]] = {}
        self._newest: PublishedScene | None = None

    def objects(self, message: Any, *, latency_ms: float = float("nan")) -> PublishedScene:
        """The scene with a ReconstructedObjectArray taken in."""
        update = self._with_meshes(scene_of_messages(message, None))
        before = self._newest
        same_frame = before is not None and before.update.stamp_ns == update.stamp_ns
        if before is not None and same_frame:
            update = replace(update, rejections=before.update.rejections)
        final = not self._rejections_expected or (before is not None and same_frame and before.update.final)
        names = {int(item.id): str(item.child_frame_id) for item in message.objects}
        scene = PublishedScene(replace(update, final=final), str(message.header.frame_id), names, latency_ms)
        return self._keep(scene)

    def rejections(self, message: Any, *, latency_ms: float = float("nan")) -> PublishedScene:
        """The scene with a RejectionArray taken in; the objects of the frame before stay where it brings none."""
        refused = scene_of_messages(None, message)
        before = self._newest or PublishedScene(refused, "")
        objects = before.update.objects
        update = replace(refused, objects=objects, final=True)
        silent = before.objects_of_before or before.update.stamp_ns != refused.stamp_ns
        # A refused frame has the camera's frame in its header, whatever that of the poses is.
        frame_id = before.frame_id or str(message.header.frame_id)
        return self._keep(PublishedScene(update, frame_id, before.tf_names, latency_ms, objects_of_before=silent))

    def _keep(self, scene: PublishedScene) -> PublishedScene:
        self._newest = scene
        return scene

    def _with_meshes(self, update: SceneUpdate) -> SceneUpdate:
        objects = tuple(self._with_mesh(item) for item in update.objects)
        living = {item.object_id for item in objects}
        self._meshes = {key: value for key, value in self._meshes.items() if key in living}
        return replace(update, objects=objects)

    def _with_mesh(self, item: SceneObject) -> SceneObject:
        """Equal meshes are one object in memory, however often they are sent."""
        version, mesh = self._meshes.get(item.object_id, (-1, None))
        if mesh is not None and version == item.mesh_version:
            return replace(item, mesh=mesh)
        if len(item.mesh.triangles):
            self._meshes[item.object_id] = (item.mesh_version, item.mesh)
        return item


def result_latency_ms(message: Any, time_ns: int) -> float:
    """From the image to the time at which its result was received; NaN where the clocks have nothing in common."""
    passed = (time_ns - stamp_ns(message)) / 1e6
    return passed if 0.0 < passed < 600_000.0 else float("nan")


def read_published(bag: Bag, results: ResultTopics) -> dict[int, PublishedScene]:
    """The last word of a bag on each frame, by stamp: objects of one stamp are published again as they are finished."""
    taken = PublishedScenes(rejections_expected=results.rejections is not None)
    scenes: dict[int, PublishedScene] = {}
    for message in bag.messages([topic.name for topic in (results.objects, results.rejections) if topic is not None]):
        decoded = bag.decode(message)
        take = taken.objects if message.topic == results.objects.name else taken.rejections
        scene = take(decoded, latency_ms=result_latency_ms(decoded, message.time_ns))
        scenes[scene.update.stamp_ns] = scene
    return scenes
