"""What /diagnostics says of the node, and the one warning for each input that stays silent."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticStatus

from ..tracking import ObjectState
from .compat import diagnostic_updater
from .statistics import cuda_memory_mib, percentiles, resident_memory_mib

if TYPE_CHECKING:
    from .camera_inputs import CameraInputs
    from .inputs import TopicInput
    from .sam3d_node import Sam3dNode

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class Diagnostics:
    """Five statuses: model, inputs, synchronisation, transforms, objects. Runs in the executor's thread."""

    def __init__(self, node: Sam3dNode) -> None:
        self._node = node
        self._active_since = time.monotonic()
        self._silent: set[str] = set()
        self._updater = diagnostic_updater.Updater(node)
        self._updater.setHardwareID("sam3d_ros")
        for name, task in {
            "model": self._model,
            "inputs": self._inputs,
            "synchronisation": self._synchronisation,
            "transforms": self._transforms,
            "objects": self._objects,
        }.items():
            self._updater.add(name, task)

    def activated(self) -> None:
        """Start waiting for the inputs."""
        self._active_since = time.monotonic()
        self._silent.clear()

    def warn_of_silence(self) -> None:
        """Log once for each input that has been silent for too long, and once when it speaks again."""
        if self._node.inputs is None:
            return
        for topic in self._node.inputs.topics:
            if topic.spec.required and self._is_silent(topic):
                if topic.topic not in self._silent:
                    self._silent.add(topic.topic)
                    self._node.get_logger().warning(topic.describe_silence())
            elif topic.topic in self._silent:
                self._silent.discard(topic.topic)
                self._node.get_logger().info(f"{topic.topic} is here")

    def _is_silent(self, topic: TopicInput) -> bool:
        waited = min(topic.meter.age, time.monotonic() - self._active_since)
        return waited > self._node.parameters.input_timeout

    def _model(self, stat: Any) -> Any:
        session = self._node.session
        if session is None:
            stat.summary(OK, "not configured")
            return stat
        call = session.backend.running
        if session.fault:
            stat.summary(ERROR, session.fault)
        elif call is not None and call.seconds > self._node.parameters.object_timeout:
            stat.summary(ERROR, f"busy with label {call.label} for {call.seconds:.1f} s")
        else:
            stat.summary(OK, f"{session.backend.name} on {session.backend.device}")
        stat.add("model", session.backend.name)
        stat.add("device", session.backend.device)
        stat.add("memory MiB", f"{resident_memory_mib():.0f}")
        if (cuda := cuda_memory_mib()) is not None:
            stat.add("CUDA memory MiB", f"{cuda:.0f}")
        for stage, (p50, p95) in self._node.statistics.percentiles().items():
            stat.add(f"latency {stage} p50/p95 ms", f"{p50:.1f} / {p95:.1f}")
        self._add_counts(stat, "worker")
        return stat

    def _inputs(self, stat: Any) -> Any:
        inputs = self._node.inputs
        if inputs is None:
            stat.summary(OK, "not active")
            return stat
        stat.summary(OK, "all inputs arrive")
        for topic in inputs.topics:
            self._add_input(stat, topic)
        for fault in self._node.statistics.counts("refused"):
            stat.mergeSummary(WARN, fault)
        return stat

    def _add_input(self, stat: Any, topic: TopicInput) -> None:
        name, meter = topic.spec.topic, topic.meter
        age = f"{meter.age:.2f} s ago" if math.isfinite(meter.age) else "never"
        stat.add(
            f"{name}",
            f"{topic.topic}: {meter.rate:.1f} Hz, last {age}, stamp {topic.last_stamp_ns * 1e-9:.3f}, "
            f"frame {topic.frame_id or '-'}, {meter.total} received, {topic.publishers} publishers",
        )
        if topic.incompatible_qos:
            stat.mergeSummary(ERROR, f"{topic.topic}: {topic.incompatible_qos}")
        if topic.spec.required and self._is_silent(topic):
            stat.mergeSummary(ERROR, topic.describe_silence())
        elif topic.publishers > 1:
            stat.mergeSummary(WARN, f"{topic.topic} has {topic.publishers} publishers: their frames get mixed")

    def _synchronisation(self, stat: Any) -> Any:
        inputs = self._node.inputs
        if inputs is None or self._node.session is None:
            stat.summary(OK, "not active")
            return stat
        stat.summary(*_match_summary(inputs, self._node.parameters.input_timeout))
        stat.add("matched sets", str(inputs.synchroniser.matches))
        stat.add("hit rate", f"{inputs.hit_rate:.2f}")
        for name, gap in inputs.stamp_gaps().items():
            stat.add(f"stamp of {name} minus image", f"{gap * 1e3:.1f} ms")
        for name, count in inputs.synchroniser.waiting.items():
            stat.add(f"{name} waiting", str(count))
        stat.add("dropped: newer frame came", str(self._node.session.dropped))
        self._add_counts(stat, "dropped")
        stat.add("time jumps", str(self._node.time_jump_count))
        return stat

    def _transforms(self, stat: Any) -> Any:
        target = self._node.parameters.target_frame
        failures = self._node.statistics.counts("transform missing")
        if not target:
            stat.summary(OK, "poses are in the camera frame")
        elif failures:
            listed = ", ".join(f"{frames}: {count}" for frames, count in failures.items())
            stat.summary(WARN, f"transforms were missing: {listed}")
        else:
            stat.summary(OK, f"poses are in {target}")
        self._add_counts(stat, "transform missing")
        return stat

    def _objects(self, stat: Any) -> Any:
        objects = () if self._node.session is None else self._node.session.objects
        rejected = self._node.statistics.counts("rejected")
        unseen = [str(item.object_id) for item in objects if item.state is ObjectState.UNSEEN]
        stat.summary(OK, f"{len(objects)} objects alive" + (f", {len(unseen)} of them unseen" if unseen else ""))
        stat.add("objects alive", str(len(objects)))
        stat.add("objects unseen", ", ".join(unseen) or "none")
        stat.add("frames processed", str(self._node.statistics.counts("frames")["processed"]))
        for reason, count in sorted(rejected.items()):
            stat.add(f"rejected: {reason}", str(count))
        residuals = [item.quality.residual_rms for item in objects if math.isfinite(item.quality.residual_rms)]
        if residuals:
            p50, p95 = percentiles(residuals)
            stat.add("residual p50/p95 mm", f"{p50 * 1e3:.1f} / {p95 * 1e3:.1f}")
        return stat

    def _add_counts(self, stat: Any, group: str) -> None:
        for reason, count in sorted(self._node.statistics.counts(group).items()):
            stat.add(f"{group}: {reason}", str(count))


def _match_summary(inputs: CameraInputs, patience: float) -> tuple[bytes, str]:
    """Level and text: whether inputs that all arrive also find each other."""
    silence = inputs.unmatched_for
    if inputs.all_arrive and silence > patience:
        gaps = ", ".join(f"{name} {gap * 1e3:.0f} ms" for name, gap in inputs.stamp_gaps().items())
        return ERROR, (
            f"inputs arrive but nothing matched for {silence:.0f} s; newest stamps against the image: {gaps}. "
            "Raise sync_slop, or sync_queue_size for late masks, or check the publishers' clocks"
        )
    if inputs.synchroniser.matches == 0:
        return OK, "nothing matched yet"
    return OK, f"hit rate {inputs.hit_rate:.2f}"
