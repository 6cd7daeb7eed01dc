"""A bag over DDS through the node in its own process: start, play, record, end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..replay.bags.bag import Bag, BagMessage, BagTopic
from ..replay.bags.result_bag import ResultBag
from ..replay.bags.topics import TF_TOPICS, InputTopics, Role
from ..replay.runs.node_process import NodeProcess
from ..replay.runs.run_figures import RunFigures
from ..tracking import ObjectState, SceneUpdate
from .live_stage import LiveStage, private_node
from .player import BagPlayer
from .recorder import NodeRecorder


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """How a bag is played to the node. `parameters` are those of the node."""

    output: Path  # node.log and results.mcap go here
    parameters: Mapping[str, str] = field(default_factory=dict)
    rate: float = 1.0
    loops: int = 1
    max_frames: int | None = None
    start_timeout_s: float = 90.0  # for the node to load its model and subscribe
    drain_timeout_s: float = 45.0  # for the node to finish the last frame


class LiveReplay:
    """One run. `figures` and `updates` (what was published, by stamp) hold as much as came, also after Ctrl-C."""

    def __init__(self, bag: Bag, inputs: InputTopics, config: LiveConfig) -> None:
        self._bag = bag
        self._inputs = inputs
        self._config = config
        self.figures = RunFigures(mode="ros")
        self.updates: dict[int, SceneUpdate] = {}
        self.diagnostics: dict[str, dict[str, str]] = {}
        self.node_pid = 0

    def run(self, on_frame: Callable[[], object]) -> None:
        """Play everything; `on_frame` is called for each image that is sent. Raises NodeError where the node fails."""
        output = self._config.output
        log, parameters = output / "node.log", self._node_parameters()
        with (
            private_node("sam3d_replay") as (node, executor),
            ResultBag(output / "results.mcap") as results,
            NodeProcess(log, remap=self._remap(), parameters=parameters) as process,
        ):
            self.node_pid = process.pid
            player = BagPlayer(node, self._bag, self._topics(), rate=self._config.rate)
            recorder = NodeRecorder(node, results, lambda: player.now_ns)
            try:
                self._play(LiveStage(node, executor, process, player, recorder), on_frame)
            finally:
                self._close(recorder)
                results.copy_inputs(self._bag, self._inputs, until_ns=player.now_ns, with_tf=False)

    def _play(self, stage: LiveStage, on_frame: Callable[[], object]) -> None:
        stage.wait_for_node(self._heard_topics(), self._config.start_timeout_s)
        stage.player.lead_in(stage.idle, timeout_s=self._config.start_timeout_s)
        started = time.monotonic()
        end_ns = _end_of(self._bag, self._inputs.image, self._config.max_frames)

        def on_message(message: BagMessage) -> None:
            if message.topic == self._inputs.image.name:
                stage.recorder.sending(self._bag.decode(message))
                on_frame()

        try:
            for _ in range(self._config.loops):
                stage.player.play(on_message, stage.idle, end_ns=end_ns)
            stage.drain(stage.recorder.last_sent_ns, self._config.drain_timeout_s)
        finally:
            self.figures.wall_s = time.monotonic() - started

    def _close(self, recorder: NodeRecorder) -> None:
        self.updates = recorder.updates()
        self.diagnostics = recorder.diagnostics
        figures = self.figures
        figures.frames_in, figures.frames_done = recorder.frames_sent, recorder.frames_answered
        figures.dropped["newer frame came while the node was busy"] = figures.frames_in - figures.frames_done
        for seconds in recorder.answer_times():
            figures.add_latencies({"image sent to last result": 1e3 * seconds})
        versions: dict[int, int] = {}
        for update in self.updates.values():
            _note(figures, update, versions)

    def _heard_topics(self) -> list[str]:
        """What the node subscribes to: all inputs, and the transforms where it has a target frame."""
        transforms = [topic.name for topic in self._bag.topics if topic.name in TF_TOPICS]
        inputs = [topic.name for topic in self._inputs.by_role().values()]
        return [*inputs, *transforms] if self._config.parameters.get("target_frame") else inputs

    def _remap(self) -> dict[str, str]:
        remap = {role.value: topic.name for role, topic in self._inputs.by_role().items()}
        if self._is_compressed():
            remap["image/compressed"] = remap.pop("image")
        return remap

    def _node_parameters(self) -> dict[str, str]:
        transport = "compressed" if self._is_compressed() else "raw"
        source = Role.DEPTH.value if self._inputs.depth else Role.POINTS.value
        own = {"use_sim_time": "true", "image_transport": transport, "depth_source": source}
        # A live camera may lose images, a replay must not: without this, Fast DDS drops most of those over 512 kB.
        topics = [topic.name for topic in self._inputs.by_role().values()]
        reliable = {f"qos_overrides.{name}.subscription.reliability": "reliable" for name in topics}
        return {**own, **reliable, **self._config.parameters}

    def _is_compressed(self) -> bool:
        return self._inputs.image.type.endswith("CompressedImage")

    def _topics(self) -> list[BagTopic]:
        transforms = [topic for topic in self._bag.topics if topic.name in TF_TOPICS]
        return [*self._inputs.by_role().values(), *transforms]


def _end_of(bag: Bag, image: BagTopic, frames: int | None) -> int | None:
    """Time of the first image that is not to be played."""
    if frames is None:
        return None
    for index, message in enumerate(bag.messages([image.name])):
        if index == frames:
            return message.time_ns
    return None


def _note(figures: RunFigures, update: SceneUpdate, versions: dict[int, int]) -> None:
    figures.objects.update(item.object_id for item in update.objects)
    figures.object_answers += sum(item.state is not ObjectState.UNSEEN for item in update.objects)
    figures.rejections.update(rejection.reason.value for rejection in update.rejections)
    for item in update.objects:
        if versions.get(item.object_id) != item.mesh_version:
            versions[item.object_id] = item.mesh_version
            figures.add_latencies({f"object: {stage}": value for stage, value in item.latency_ms.items()})
