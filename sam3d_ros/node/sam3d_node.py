"""The lifecycle node `sam3d`: what happens at each transition, and who calls whom."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from ..messages.names import OutputNames
from ..pipeline import Backend
from ..pipeline.backends import create_backend
from ..pipeline.frame_messages import FrameMessages
from .action import ActionHooks, ReconstructAction
from .camera_inputs import CameraInputs
from .compat import log_choice
from .declare import ParameterServer
from .diagnostics import Diagnostics
from .inputs import TopicInput
from .outputs import OutputFrame
from .parameters import Parameters
from .services import ServiceHooks, Services
from .session import BackendFactory, LoadError, Session
from .statistics import Statistics
from .time_jumps import TimeJumps

NODE_NAME = "sam3d"
_HOUSEKEEPING_S = 0.2
_STOP_S = 1.0  # how long closing waits for the model to hear that it is cancelled

_Transition = Callable[["Sam3dNode", LifecycleState], TransitionCallbackReturn]


def make_backend(parameters: Parameters) -> Backend:
    """The backend that the parameters name."""
    return create_backend(
        parameters.backend,
        prepare=parameters.prepare_config(),
        seed=parameters.seed,
        triangle_budget=parameters.triangle_budget,
        model=parameters.model_options(),
        gates=parameters.gates(),
    )


def _reported(transition: _Transition) -> _Transition:
    """rclpy turns what a transition raises into ERROR without a word; this says what it was."""

    @wraps(transition)
    def wrapped(node: Sam3dNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:
            node.get_logger().error(f"{transition.__name__} failed: {error!r}")
            raise

    return wrapped


class Sam3dNode(LifecycleNode):
    """Reconstructs and follows the objects whose masks come in.

    All callbacks run in the executor's thread and are short. One thread is enough for the executor: whatever takes
    long is the worker's, and services and action await it. The periodic check runs on a steady clock, because the ROS
    clock may stand still. Attributes have names that rclpy's own private ones do not have.
    """

    def __init__(self, *, backend_factory: BackendFactory = make_backend, **arguments: Any) -> None:
        super().__init__(NODE_NAME, **arguments)
        self.backend_factory = backend_factory
        self.session: Session | None = None
        self.inputs: CameraInputs | None = None
        self.statistics = Statistics()
        self.stop_requested = threading.Event()
        self.is_finalized = False
        self.parameter_server = ParameterServer(self, is_configured=lambda: self.session is not None)
        self.ros_action: ReconstructAction | None = None
        self.ros_services: Services | None = None
        self.time_jumps: TimeJumps | None = None
        self.reports = Diagnostics(self)
        self.house_timer = self.create_timer(
            _HOUSEKEEPING_S, self._keep_house, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    @property
    def time_jump_count(self) -> int:
        """Jumps since the node was activated."""
        return 0 if self.time_jumps is None else self.time_jumps.count

    @property
    def parameters(self) -> Parameters:
        """The parameters as they are now."""
        return self.parameter_server.current

    @_reported
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Check the parameters, load the model in the worker's thread, warm it up."""
        if self.parameter_server.faults:
            for fault in self.parameter_server.faults.values():
                self.get_logger().fatal(fault)
            return TransitionCallbackReturn.FAILURE
        log_choice(self.get_logger())
        try:
            self.session = Session(
                self, lambda: self.parameters, make_backend=self.backend_factory, statistics=self.statistics
            )
            self.session.load(give_up=self.stop_requested.is_set)
        except LoadError as error:
            if self.stop_requested.is_set():
                self.get_logger().info(str(error))
            else:
                self.get_logger().fatal(str(error))
            self._close()
            return TransitionCallbackReturn.FAILURE
        self._offer_services()
        return super().on_configure(state)

    @_reported
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and publish."""
        result = super().on_activate(state)
        self.inputs = CameraInputs(self, self.parameters, self)
        self.reports.activated()
        self.get_logger().info(f"active; reading {', '.join(topic.topic for topic in self.inputs.topics)}")
        self.time_jumps = TimeJumps(self, threshold_s=self.parameters.time_jump_threshold, on_jump=self._on_jump)
        return result

    @_reported
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop the intake and the work in progress; model and objects stay."""
        self._stop_intake()
        return super().on_deactivate(state)

    @_reported
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free model and objects."""
        self._close()
        return super().on_cleanup(state)

    @_reported
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End whatever state the node is in."""
        self._close()
        self.is_finalized = True
        return super().on_shutdown(state)

    @_reported
    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything; the node is unconfigured afterwards and can be configured again."""
        self._close()
        return TransitionCallbackReturn.SUCCESS

    def on_matched(self, matched: FrameMessages) -> None:
        """A complete set of inputs: hand it to the worker."""
        if self.session is not None:
            self.session.accept(matched)

    def on_refused(self, topic: TopicInput, fault: str) -> None:
        """A message that cannot be used."""
        self.statistics.count("refused", fault)
        self.get_logger().warning(fault, throttle_duration_sec=5.0)
        if self.session is not None:
            self.session.refuse(OutputFrame(topic.last_stamp_ns, topic.frame_id), fault)

    def on_time_jump(self, where: str, seconds: float) -> None:
        """The stamps of an input went back."""
        if self.time_jumps is not None:
            self.time_jumps.report(where, seconds)

    def _offer_services(self) -> None:
        session = self.session
        assert session is not None
        self.ros_services = Services(
            self, ServiceHooks(parameters=lambda: self.parameters, objects=lambda: session.objects, clear=session.clear)
        )
        self.ros_action = ReconstructAction(
            self,
            ActionHooks(
                is_active=lambda: self.inputs is not None,
                newest=lambda: session.newest,
                names=self._names,
                reconstruct=session.reconstruct,
            ),
        )

    def _names(self, camera_frame: str) -> OutputNames:
        return OutputNames(self.parameters.target_frame or camera_frame, self.parameters.tf_prefix)

    def _on_jump(self, what: str) -> None:
        self.get_logger().warning(f"time jumped: {what}. Inputs, objects and transforms are cleared")
        if self.inputs is not None:
            self.inputs.reset()
        if self.session is not None:
            self.session.forget()

    def _keep_house(self) -> None:
        """Look after the worker; runs five times a second."""
        if self.session is None:
            return
        hung = self.session.replace_if_hung()
        if hung is not None:
            self.get_logger().error(
                f"the model hangs in {hung.what} at label {hung.label} for {hung.seconds:.0f} s: it is given up, a "
                "fresh one is loaded, all objects start anew"
            )
        if self.inputs is not None:
            self.inputs.adapt()
        self.reports.warn_of_silence()

    def _stop_intake(self) -> None:
        if self.ros_action is not None:
            self.ros_action.cancel_all()
        if self.inputs is not None:
            self.inputs.destroy()
            self.inputs = None
        if self.time_jumps is not None:
            self.time_jumps.destroy()
            self.time_jumps = None
        if self.session is not None:
            self.session.interrupt()

    def _close(self) -> None:
        self._stop_intake()
        for offer in (self.ros_action, self.ros_services):
            if offer is not None:
                offer.destroy()
        self.ros_action = self.ros_services = None
        session, self.session = self.session, None
        if session is not None and not session.close(_STOP_S):
            self.get_logger().warning("the model does not listen to cancelling; its thread is left behind")
