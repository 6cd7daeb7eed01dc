"""When a planning scene is told what; the messages themselves are tested with their builder."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy")

from sam3d_ros.messages.names import OutputNames
from sam3d_ros.node.collision_output import CollisionOutput
from sam3d_ros.tracking import SceneUpdate

NAMES = OutputNames("map")
UPDATE = SceneUpdate(1, (), (), (), final=True)


class Publisher:
    def __init__(self) -> None:
        self.listeners, self.sent = 0, []

    def get_subscription_count(self) -> int:
        return self.listeners

    def publish(self, message) -> None:
        self.sent.append(message)


class Builder:
    """Says "add" the first time and "move" afterwards."""

    def __init__(self, names: OutputNames) -> None:
        self.names, self.word = names, "add"

    def update(self, _: SceneUpdate) -> list[str]:
        word, self.word = self.word, "move"
        return [f"{word} in {self.names.frame_id}"]


@pytest.fixture
def output() -> CollisionOutput:
    return CollisionOutput(Publisher(), Builder)


def test_nothing_is_built_while_nobody_listens(output):
    output.publish(UPDATE, NAMES)
    assert output.publisher.sent == []


def test_shapes_go_out_once_and_are_then_moved(output):
    output.publisher.listeners = 1
    for _ in range(3):
        output.publish(UPDATE, NAMES)
    assert output.publisher.sent == ["add in map", "move in map", "move in map"]


def test_a_planning_scene_that_joins_later_is_told_the_shapes(output):
    for listeners in (1, 2, 2, 1, 0, 1):
        output.publisher.listeners = listeners
        output.publish(UPDATE, NAMES)
    assert [text.split()[0] for text in output.publisher.sent] == ["add", "add", "move", "move", "add"]


def test_another_output_frame_starts_anew(output):
    output.publisher.listeners = 1
    output.publish(UPDATE, NAMES)
    output.publish(UPDATE, OutputNames("base_link"))
    assert output.publisher.sent == ["add in map", "add in base_link"]
