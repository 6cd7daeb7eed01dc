"""The action ~/reconstruct: a frame of the goal or the newest one, feedback by stage, cancel that is honoured."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from rclpy.action.server import ActionServer, CancelResponse, GoalResponse, ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from sam3d_ros.action import Reconstruct

from ..messages.names import OutputNames
from ..pipeline import CancelToken, Progress, RejectionReason
from ..pipeline.frame_messages import FrameMessages
from ..tracking import ObjectState, SceneObject, SceneUpdate
from .builders.common import header_message
from .builders.objects import build_object, pack_mesh
from .builders.rejections import build_rejection
from .processing import Request
from .services import awaitable


@dataclass(frozen=True, slots=True)
class ActionHooks:
    """What the action asks of the node."""

    is_active: Callable[[], bool]
    newest: Callable[[], FrameMessages | None]
    names: Callable[[str], OutputNames]  # of the outputs for images in this camera frame
    reconstruct: Callable[[FrameMessages, Request, CancelToken], Future[SceneUpdate]]


class ReconstructAction:
    """Goals wait their turn behind the frame in work. They go before frames of the topics."""

    def __init__(self, node: Node, hooks: ActionHooks) -> None:
        self._node = node
        self._hooks = hooks
        self._tokens: dict[bytes, CancelToken] = {}
        self._server = ActionServer(
            node,
            Reconstruct,
            "~/reconstruct",
            self._execute,
            callback_group=ReentrantCallbackGroup(),
            goal_callback=self._on_goal,
            cancel_callback=self._on_cancel,
        )

    def cancel_all(self) -> None:
        """Stop every goal that is waiting or in work."""
        for token in list(self._tokens.values()):
            token.cancel()

    def destroy(self) -> None:
        self.cancel_all()
        self._server.destroy()

    def _on_goal(self, _: Reconstruct.Goal) -> GoalResponse:
        if self._hooks.is_active():
            return GoalResponse.ACCEPT
        self._node.get_logger().warning("goal of ~/reconstruct refused: the node is not active")
        return GoalResponse.REJECT

    def _on_cancel(self, handle: ServerGoalHandle[Any, Any, Any]) -> CancelResponse:
        self._token(handle).cancel()
        return CancelResponse.ACCEPT

    def _token(self, handle: ServerGoalHandle[Any, Any, Any]) -> CancelToken:
        return self._tokens.setdefault(bytes(handle.goal_id.uuid), CancelToken())

    async def _execute(self, handle: ServerGoalHandle[Any, Any, Any]) -> Reconstruct.Result:
        token = self._token(handle)
        try:
            messages = _frame_of(handle.request) or self._hooks.newest()
            if messages is None:
                return _finish(handle, Reconstruct.Result(message=_NO_FRAME))
            request = self._request(handle, messages)
            update = await awaitable(self._node, self._hooks.reconstruct(messages, request, token))
            return _finish(handle, self._result(messages, request, update), cancelled=token.is_cancelled)
        finally:
            self._tokens.pop(bytes(handle.goal_id.uuid), None)

    def _request(self, handle: ServerGoalHandle[Any, Any, Any], messages: FrameMessages) -> Request:
        goal = handle.request
        feedback = _Feedback(handle, self._hooks.names(messages.frame_id))
        return Request(
            reconstruct="all" if goal.again else "new",
            labels=tuple(int(label) for label in goal.labels) or None,
            on_update=feedback.on_update,
            on_progress=feedback.on_progress,
        )

    def _result(self, messages: FrameMessages, request: Request, update: SceneUpdate | Exception) -> Reconstruct.Result:
        if isinstance(update, Exception):
            return Reconstruct.Result(message=f"not done: {update}")
        names = self._hooks.names(messages.frame_id)
        result = Reconstruct.Result(header=header_message(messages.stamp_ns, names.frame_id), success=True)
        result.objects = [
            build_object(item, names, pack_mesh(item.mesh))
            for item in update.objects
            if _is_answer(item, request, update)
        ]
        result.rejections = [build_rejection(rejection) for rejection in update.rejections]
        for rejection in update.rejections:
            if rejection.label == 0 or rejection.reason is RejectionReason.TRANSFORM_MISSING:
                result.success, result.message = False, rejection.detail
        return result


class _Feedback:
    """Turns progress into feedback; called in the worker's thread, where publishing is allowed."""

    def __init__(self, handle: ServerGoalHandle[Any, Any, Any], names: OutputNames) -> None:
        self._handle = handle
        self._names = names
        self._coarse_sent: set[tuple[int, int]] = set()

    def on_progress(self, progress: Progress) -> None:
        feedback = Reconstruct.Feedback(label=progress.label, stage=progress.stage, percent=float(progress.percent))
        self._handle.publish_feedback(feedback)

    def on_update(self, update: SceneUpdate) -> None:
        """Pass each coarse object on once, with the id and frame that it keeps."""
        for item in update.objects:
            key = (item.object_id, item.mesh_version)
            if item.state is ObjectState.COARSE and key not in self._coarse_sent:
                self._coarse_sent.add(key)
                coarse = build_object(item, self._names, pack_mesh(item.mesh))
                self._handle.publish_feedback(
                    Reconstruct.Feedback(label=item.label, stage="coarse", percent=50.0, has_coarse=True, coarse=coarse)
                )


_NO_FRAME = (
    "no matched frame has come yet; see the diagnostics for the inputs that are silent, or put image, depth, mask and "
    "camera_info into the goal"
)


def _frame_of(goal: Reconstruct.Goal) -> FrameMessages | None:
    """The frame that the goal carries; None where its image is empty."""
    if not goal.image.data:
        return None
    return FrameMessages(image=goal.image, depth=goal.depth, mask=goal.mask, camera_info=goal.camera_info)


def _is_answer(item: SceneObject, request: Request, update: SceneUpdate) -> bool:
    """Whether the object was seen in this frame under a label that the goal asked for."""
    asked = request.labels is None or item.label in request.labels
    return asked and item.state is not ObjectState.UNSEEN


def _finish(handle: ServerGoalHandle[Any, Any, Any], result: Any, *, cancelled: bool = False) -> Reconstruct.Result:
    """Set the goal's final state; a goal for which nothing could be tried is aborted."""
    if cancelled and handle.is_cancel_requested:
        handle.canceled()
    elif result.success:
        handle.succeed()
    else:
        handle.abort()
    return result
