"""The services ~/clear and ~/save. They wait without holding up the executor: the worker and a writer do the work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import rclpy.task
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from std_srvs.srv import Trigger

from sam3d_ros.srv import Save

from ..tracking import SceneObject
from .parameters import Parameters
from .saving import Saved, SaveRequest, save_objects

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceHooks:
    """What the services ask of the node."""

    parameters: Callable[[], Parameters]
    objects: Callable[[], Sequence[SceneObject]]
    clear: Callable[[], Future[int]]


class Services:
    """~/clear forgets all objects, ~/save writes them to files below the output folder."""

    def __init__(self, node: Node, hooks: ServiceHooks) -> None:
        self._node = node
        self._hooks = hooks
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sam3d_save")
        group = ReentrantCallbackGroup()
        self._services = [
            node.create_service(Trigger, "~/clear", self._clear, callback_group=group),
            node.create_service(Save, "~/save", self._save, callback_group=group),
        ]

    def destroy(self) -> None:
        for service in self._services:
            self._node.destroy_service(service)
        self._writer.shutdown(wait=False, cancel_futures=True)

    async def _clear(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        removed = await awaitable(self._node, self._hooks.clear())
        response.success = isinstance(removed, int)
        response.message = f"{removed} objects forgotten" if response.success else str(removed)
        return response

    async def _save(self, request: Save.Request, response: Save.Response) -> Save.Response:
        parameters = self._hooks.parameters()
        wanted = SaveRequest(
            root=parameters.output_folder,
            folder=request.folder,
            ids=tuple(request.ids),
            formats=tuple(request.formats) or (parameters.mesh_format,),
        )
        outcome = await awaitable(self._node, self._writer.submit(save_objects, self._hooks.objects(), wanted))
        response.success = isinstance(outcome, Saved)
        if response.success:
            response.files = outcome.files
        response.message = outcome.message if response.success else str(outcome)
        return response


def awaitable(node: Node, future: Future[T]) -> Awaitable[Any]:
    """The result of another thread for an `await` in a callback, or the exception in its place; never raises.

    The executor polls what awaits each time that it wakes, and adding a task wakes it.
    """
    bridge: rclpy.task.Future[Any] = rclpy.task.Future(executor=node.executor)
    bridge.add_done_callback(lambda _: None)

    def done(finished: Future[Any]) -> None:
        if finished.cancelled():
            bridge.set_result(RuntimeError("the node is being shut down"))
        else:
            bridge.set_result(finished.exception() or finished.result())

    future.add_done_callback(done)
    return bridge
