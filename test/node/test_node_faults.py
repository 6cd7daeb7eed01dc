"""A model that raises, runs out of memory or hangs: the mask is rejected with a reason and the node goes on."""

from __future__ import annotations

import threading
import time

import pytest

pytest.importorskip("rclpy")

from visualization_msgs.msg import Marker

from sam3d_ros.pipeline.fake import FakeBackend, FakeConfig

pytestmark = pytest.mark.ros


def reasons(rejections) -> dict[int, str]:
    return {rejection.label: rejection.reason for rejection in rejections}


def test_a_model_that_raises_rejects_that_mask_only(make_rig):
    rig = make_rig(FakeConfig(raise_labels=frozenset({3}))).up()
    for stamp in (10.0, 10.1):
        objects, rejections = rig.exchange(stamp)
        assert reasons(rejections) == {3: "internal_error"}
        assert [item.label for item in objects.objects] == [7]
    assert "rejected: internal_error: 2" in "".join(
        f"{v.key}: {v.value}\n" for v in rig.status("objects", containing="internal_error: 2").values
    )


def test_a_model_that_cannot_prepare_rejects_every_mask(make_rig):
    rig = make_rig(FakeConfig(fail_prepare=True)).up()
    _, rejections = rig.exchange(10.0)
    assert reasons(rejections) == {3: "internal_error", 7: "internal_error"}


def test_a_model_that_runs_out_of_memory_rejects_that_mask_and_lives_on(make_rig):
    rig = make_rig(FakeConfig(oom_labels=frozenset({7}))).up()
    objects, rejections = rig.exchange(10.0)
    assert reasons(rejections) == {7: "out_of_memory"}
    assert [item.label for item in objects.objects] == [3]
    assert rig.backends[0].calls["drop_caches"] >= 1


def test_a_second_try_with_less_memory_gives_the_object(make_rig):
    rig = make_rig(FakeConfig(oom_once_labels=frozenset({7}))).up()
    objects, rejections = rig.exchange(10.0)
    assert rejections == []
    assert [item.label for item in objects.objects] == [3, 7]


def test_above_the_memory_limit_new_objects_are_rejected(make_rig):
    rig = make_rig(memory_limit=1).up()
    _, rejections = rig.exchange(10.0)
    assert reasons(rejections) == {3: "out_of_memory", 7: "out_of_memory"}
    assert "memory_limit" in rejections[0].detail


def test_an_object_that_takes_too_long_is_cancelled_and_rejected_and_the_next_one_made(make_rig, messages):
    rig = make_rig(object_timeout=0.3, hang_timeout=60.0, factory=lambda _: SlowAtLabel3()).up()
    objects, rejections = rig.exchange(10.0)
    assert reasons(rejections) == {3: "timeout"}
    assert "object_timeout" in rejections[0].detail
    assert [item.label for item in objects.objects] == [7]


class SlowAtLabel3(FakeBackend):
    """Listens to cancel, but would take ten seconds for label 3."""

    def reconstruct(self, prepared, label, **options):
        self.config = FakeConfig(delay_s=10.0 if label == 3 else 0.0)
        return super().reconstruct(prepared, label, **options)


def test_a_model_that_hangs_is_replaced_and_the_node_goes_on(make_rig):
    rig = make_rig(FakeConfig(hang_labels=frozenset({7})), object_timeout=0.2, hang_timeout=0.5).up()
    rig.send(10.0)
    found = rig.until(lambda: [m for m in rig.received["rejections"] if m.rejections], "the rejection")
    assert reasons(found[0].rejections) == {7: "timeout", 3: "cancelled"}
    assert messages_stamp(found[0]) == 10.0
    rig.fake = FakeConfig()
    rig.until(lambda: len(rig.backends) == 2, "a fresh model")
    deleted = [m for array in rig.received["markers"] for m in array.markers if m.action == Marker.DELETEALL]
    rig.until(lambda: deleted or [m for a in rig.received["markers"] for m in a.markers if m.action == 3], "deletion")
    rig.fake = FakeConfig()
    assert "worker: replaced: 1" in "".join(
        f"{v.key}: {v.value}\n" for v in rig.status("model", containing="replaced").values
    )


def messages_stamp(message) -> float:
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def test_after_a_hang_new_frames_give_objects_again_and_the_lost_thread_says_nothing_more(make_rig, messages):
    rig = make_rig(FakeConfig(hang_labels=frozenset({7})), object_timeout=0.2, hang_timeout=0.4).up()
    rig.send(10.0)
    rig.until(lambda: len(rig.backends) == 2, "a fresh model")
    rig.backends[1].config = FakeConfig()
    objects, rejections = rig.exchange(11.0)
    assert rejections == []
    assert [item.id for item in objects.objects] == [2, 3], "id 1 was given to an object of the lost model"
    rig.backends[0].release()
    rig.spin(0.4)
    assert [messages.stamp_of(m) for m in rig.received["objects"]][-1] == 11.0
    assert rig.status("model", containing="fake on cpu").level == b"\x00"


def test_frames_that_come_faster_than_the_model_are_dropped_and_counted(make_rig):
    rig = make_rig(FakeConfig(delay_s=0.2), follow=True).up()
    for number in range(8):
        rig.send(10 + number / 100)
        rig.spin(0.05)
    rig.answer(10.07)
    answered = len(rig.received["rejections"])
    assert answered < 8
    rig.status("synchronisation", containing=f"dropped: newer frame came: {8 - answered}")


def test_a_callback_never_waits_for_the_model(make_rig):
    rig = make_rig(FakeConfig(delay_s=1.0)).up()
    rig.send(10.0)
    rig.until(lambda: rig.node.session.backend.running, "the model at work")
    slowest = 0.0
    for number in range(20):
        rig.send(10.1 + number / 100)
        start = time.monotonic()
        rig.executor.spin_once(timeout_sec=0.0)
        slowest = max(slowest, time.monotonic() - start)
    assert rig.node.session.backend.running
    assert slowest < 0.5


def test_shutting_down_in_the_middle_of_a_reconstruction_is_quick(make_rig):
    rig = make_rig(FakeConfig(delay_s=30.0)).up()
    rig.send(10.0)
    rig.until(lambda: rig.node.session.backend.running, "the model at work")
    start = time.monotonic()
    rig.node.trigger_shutdown()
    assert time.monotonic() - start < 2.0
    assert rig.node._state_machine.current_state[1] == "finalized"
    assert not any(thread.name == "sam3d_worker" and thread.is_alive() for thread in threading.enumerate())


def test_shutting_down_a_model_that_is_deaf_leaves_its_thread_behind(make_rig):
    rig = make_rig(FakeConfig(hang_labels=frozenset({3}))).up()
    rig.send(10.0)
    rig.until(lambda: rig.node.session.backend.running, "the model at work")
    start = time.monotonic()
    rig.node.trigger_shutdown()
    assert time.monotonic() - start < 2.0


def test_a_defect_in_the_node_itself_is_a_rejection_and_a_count_and_the_next_frame_is_answered(make_rig, monkeypatch):
    rig = make_rig().up()

    def broken(*_):
        raise ZeroDivisionError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(rig.node.session.outputs, "_publish_transforms", broken)
        _, rejections = rig.exchange(10.0)
    assert reasons(rejections) == {0: "internal_error"}
    assert "a defect" in rejections[0].detail
    rig.status("model", containing="worker: defect: ZeroDivisionError: 1")
    _, rejections = rig.exchange(10.1)
    assert rejections == []
