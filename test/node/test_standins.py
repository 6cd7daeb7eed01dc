"""The stand-ins under the names that the real packages give their parts; over DDS where a topic is involved."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is missing: run make setup")
pytest.importorskip("tf2_msgs", reason="tf2_msgs is missing: run make setup")

import rclpy
from builtin_interfaces.msg import Time as TimeMessage
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.time import Time
from std_msgs.msg import Header, String

from sam3d_ros.node.standins import diagnostic_updater, message_filters, tf2_ros

pytestmark = pytest.mark.ros


@pytest.fixture(scope="module")
def context():
    """A ROS context of our own, so that other tests may initialise the default one as they like."""
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()


@pytest.fixture
def node(context):
    node = rclpy.create_node("standins", context=context)
    yield node
    node.destroy_node()


def spin_until(context, nodes, condition, seconds=10.0):
    """Spin until the condition holds; the deadline only ends a failing test."""
    executor = SingleThreadedExecutor(context=context)
    for node in nodes:
        executor.add_node(node)
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.05)
    executor.shutdown()
    return condition()


def stamped(nanoseconds):
    return SimpleNamespace(header=SimpleNamespace(stamp=Time(nanoseconds=nanoseconds).to_msg()))


def transform(parent, child, x, *, sec=0, quat_xyzw=(0.0, 0.0, 0.0, 1.0)):
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id, message.header.stamp.sec = parent, sec
    message.transform.translation.x = float(x)
    q = message.transform.rotation
    q.x, q.y, q.z, q.w = quat_xyzw
    return message


class TestMessageFilters:
    def filters(self, count=2):
        return [message_filters.SimpleFilter() for _ in range(count)]

    def test_sets_within_the_slop_come_in_the_order_of_the_inputs(self):
        inputs, sets = self.filters(), []
        sync = message_filters.ApproximateTimeSynchronizer(inputs, 5, 0.02)
        sync.registerCallback(lambda *messages: sets.append(messages))
        image, late, depth = stamped(1_000_000_000), stamped(1_100_000_000), stamped(1_015_000_000)
        inputs[0].signalMessage(image)
        inputs[0].signalMessage(late)
        inputs[1].signalMessage(depth)
        assert sets == [(image, depth)]
        assert (sync.counts.received, sync.counts.matched) == ([2, 1], 1)
        assert [len(queue) for queue in sync.queues] == [1, 0]

    def test_equal_stamps_only_in_the_exact_synchronizer(self):
        inputs, sets = self.filters(), []
        message_filters.TimeSynchronizer(inputs, 5).registerCallback(lambda *messages: sets.append(messages))
        inputs[0].signalMessage(stamped(5))
        inputs[1].signalMessage(stamped(6))
        assert sets == []
        inputs[1].signalMessage(stamped(5))
        assert len(sets) == 1

    def test_extra_arguments_of_a_callback_follow_the_messages(self):
        inputs, calls = self.filters(1), []
        inputs[0].registerCallback(lambda message, word: calls.append((message, word)), "extra")
        inputs[0].signalMessage(7)
        assert calls == [(7, "extra")]

    def test_a_callback_may_clear_the_synchronizer(self):
        inputs = self.filters()
        sync = message_filters.ApproximateTimeSynchronizer(inputs, 5, 0.5)
        sync.registerCallback(lambda *_: sync.clear())
        for stamp in (1, 2):
            inputs[0].signalMessage(stamped(stamp))
        inputs[1].signalMessage(stamped(2))
        assert [len(queue) for queue in sync.queues] == [0, 0]

    def test_messages_without_a_stamp_are_left_out_unless_asked_for(self):
        inputs, sets = self.filters(), []
        strict = message_filters.ApproximateTimeSynchronizer(inputs, 5, 10.0)
        lenient = message_filters.ApproximateTimeSynchronizer(inputs, 5, 10.0, allow_headerless=True)
        lenient.registerCallback(lambda *messages: sets.append(messages))
        for source in inputs:
            source.signalMessage(String(data="no header"))
        assert strict.counts.received == [0, 0]
        assert len(sets) == 1

    def test_a_subscriber_hands_on_what_arrives(self, context, node):
        got = []
        subscriber = message_filters.Subscriber(node, Header, "stamps", qos_profile=5)
        subscriber.registerCallback(got.append)
        publisher = node.create_publisher(Header, "stamps", 5)
        assert spin_until(context, [node], lambda: publisher.get_subscription_count() > 0)
        publisher.publish(Header(frame_id="x"))
        assert spin_until(context, [node], lambda: bool(got))
        assert (got[0].frame_id, subscriber.getTopic(), subscriber.topic_name) == ("x", "stamps", "/stamps")


class TestBuffer:
    def test_look_up_names_frames_and_stamp(self):
        buffer = tf2_ros.Buffer()
        buffer.set_transform(transform("map", "base", 1.0, sec=3), "test")
        buffer.set_transform_static(transform("base", "camera", 0.5, quat_xyzw=(0.0, 0.0, 1.0, 0.0)), "test")
        found = buffer.lookup_transform("map", "camera", Time(seconds=3))
        assert (found.header.frame_id, found.child_frame_id, found.header.stamp.sec) == ("map", "camera", 3)
        assert found.transform.translation.x == pytest.approx(1.5)
        assert abs(found.transform.rotation.z) == pytest.approx(1.0)
        assert buffer.lookup_transform("map", "camera", Time()).header.stamp.sec == 3

    def test_stamps_of_messages_are_taken_as_well(self):
        buffer = tf2_ros.Buffer()
        buffer.set_transform(transform("map", "base", 1.0, sec=3), "test")
        assert buffer.can_transform("map", "base", TimeMessage(sec=3))

    @pytest.mark.parametrize(
        ("target", "source", "when", "kind"),
        [
            ("map", "nowhere", 3, tf2_ros.LookupException),
            ("map", "island", 3, tf2_ros.ConnectivityException),
            ("map", "base", 9, tf2_ros.ExtrapolationException),
        ],
    )
    def test_each_failure_has_its_exception(self, target, source, when, kind):
        buffer = tf2_ros.Buffer()
        buffer.set_transform(transform("map", "base", 1.0, sec=3), "test")
        buffer.set_transform(transform("sea", "island", 1.0, sec=3), "test")
        assert issubclass(kind, tf2_ros.TransformException)
        with pytest.raises(kind, match=source):
            buffer.lookup_transform(target, source, Time(seconds=when))
        assert not buffer.can_transform(target, source, Time(seconds=when))

    def test_waiting_ends_when_the_transform_comes(self):
        import threading

        buffer = tf2_ros.Buffer()
        later = threading.Timer(0.1, buffer.set_transform, (transform("map", "base", 1.0, sec=3), "test"))
        later.start()
        assert buffer.can_transform("map", "base", Time(seconds=3), timeout=Duration(seconds=10))
        later.join()

    def test_a_transform_of_nan_is_refused_with_its_frames(self):
        with pytest.raises(tf2_ros.InvalidArgumentException, match="'base' in 'map' from test is left out"):
            tf2_ros.Buffer().set_transform(transform("map", "base", np.nan), "test")

    def test_a_jump_back_in_time_clears_moving_frames(self):
        buffer = tf2_ros.Buffer()
        buffer.set_transform(transform("map", "base", 1.0, sec=3), "test")
        buffer.set_transform_static(transform("base", "camera", 1.0), "test")
        buffer.time_jump_callback(None)
        assert not buffer.can_transform("map", "base", Time())
        assert buffer.can_transform("base", "camera", Time())

    def test_the_cache_is_as_long_as_asked(self):
        assert tf2_ros.Buffer(Duration(seconds=3)).cache_time == Duration(seconds=3)


class TestBroadcasters:
    def test_moving_and_static_transforms_reach_a_buffer(self, context, node):
        buffer = tf2_ros.Buffer(node=node)
        static = tf2_ros.StaticTransformBroadcaster(node)
        static.sendTransform(transform("base", "camera", 0.25))
        static.sendTransform([transform("base", "lidar", 0.5)])
        listener = tf2_ros.TransformListener(buffer, node)  # comes late: static ones must reach it all the same
        moving = tf2_ros.TransformBroadcaster(node)

        def arrived():
            moving.sendTransform((transform("map", "base", 1.0, sec=4),))
            return buffer.can_transform("map", "lidar", Time()) and buffer.can_transform("map", "camera", Time())

        assert spin_until(context, [node], arrived)
        assert buffer.lookup_transform("map", "camera", Time(seconds=4)).transform.translation.x == 1.25
        listener.unregister()

    def test_a_static_child_that_is_sent_again_replaces_the_first(self, context, node):
        buffer = tf2_ros.Buffer(node=node)
        static = tf2_ros.StaticTransformBroadcaster(node)
        static.sendTransform(transform("base", "camera", 0.25))
        static.sendTransform(transform("base", "camera", 0.75))
        listener = tf2_ros.TransformListener(buffer, node)
        assert spin_until(context, [node], lambda: buffer.can_transform("base", "camera", Time()))
        assert buffer.lookup_transform("base", "camera", Time()).transform.translation.x == 0.75
        listener.unregister()

    def test_one_broken_transform_does_not_keep_out_the_others(self, node):
        buffer = tf2_ros.Buffer(node=node)
        listener = tf2_ros.TransformListener(buffer, node)
        broken, good = transform("map", "a", np.inf, sec=1), transform("map", "b", 1.0, sec=1)
        listener.callback(SimpleNamespace(transforms=[broken, good]))
        assert buffer.can_transform("map", "b", Time(seconds=1))
        assert not buffer.can_transform("map", "a", Time(seconds=1))
        listener.unregister()


class TestDiagnostics:
    def test_tasks_are_published_with_node_name_and_values(self, context, node):
        got = []
        node.create_subscription(DiagnosticArray, "/diagnostics", got.append, 10)
        updater = diagnostic_updater.Updater(node, period=0.1)
        updater.setHardwareID("cpu")

        def task(status):
            status.summary(DiagnosticStatus.WARN, "slow")
            status.add("rate", "12.5")
            return status

        updater.add("inputs", task)
        updater.add(diagnostic_updater.FunctionDiagnosticTask("model", task))
        assert spin_until(context, [node], lambda: any(len(array.status) == 2 for array in got))
        status = next(array for array in got if len(array.status) == 2).status
        assert [item.name for item in status] == ["standins: inputs", "standins: model"]
        assert (status[0].level, status[0].message, status[0].hardware_id) == (DiagnosticStatus.WARN, "slow", "cpu")
        assert [(value.key, value.value) for value in status[0].values] == [("rate", "12.5")]

    def test_a_task_can_be_removed(self, node):
        updater = diagnostic_updater.Updater(node)
        updater.add("inputs", lambda status: status)
        assert updater.removeByName("inputs")
        assert not updater.removeByName("inputs")

    def test_a_second_updater_of_a_node_shares_the_parameters(self, node):
        first, second = diagnostic_updater.Updater(node, period=2.0), diagnostic_updater.Updater(node, period=5.0)
        assert (first.period, second.period) == (2.0, 2.0)
        second.period = 0.5
        assert second.period == 0.5

    @pytest.mark.parametrize(
        ("first", "second", "level", "message"),
        [
            ((b"\x00", "fine"), (b"\x02", "broken"), b"\x02", "broken"),
            ((b"\x02", "broken"), (b"\x01", "slow"), b"\x02", "broken; slow"),
            ((b"\x02", "broken"), (b"\x00", "fine"), b"\x02", "broken"),
            ((b"\x00", ""), (b"\x00", "fine"), b"\x00", "fine"),
        ],
    )
    def test_merging_keeps_the_worse_level(self, first, second, level, message):
        status = diagnostic_updater.DiagnosticStatusWrapper()
        status.summary(*first)
        status.mergeSummary(*second)
        assert (status.level, status.message) == (level, message)
        status.clearSummary()
        assert (status.level, status.message) == (DiagnosticStatus.OK, "")
