"""Transitions of the node and what each of them keeps and frees."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("rclpy")

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.lifecycle import TransitionCallbackReturn

from sam3d_ros.node.sam3d_node import make_backend
from sam3d_ros.pipeline.fake import FakeBackend, FakeConfig

pytestmark = pytest.mark.ros

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


def state(rig) -> str:
    return rig.node._state_machine.current_state[1]


def test_configure_loads_the_model_and_subscribes_to_nothing(make_rig):
    rig = make_rig()
    assert rig.node.trigger_configure() == SUCCESS
    assert state(rig) == "inactive"
    assert rig.backends[0].calls["load"] == 1
    assert rig.client.count_subscribers(f"{rig.namespace}/image") == 0


def test_deactivate_stops_the_intake_and_keeps_model_and_objects(rig):
    rig.exchange(10.0)
    assert rig.node.trigger_deactivate() == SUCCESS
    rig.until(lambda: rig.client.count_subscribers(f"{rig.namespace}/image") == 0, "the subscription to go")
    assert rig.backends[0].calls["unload"] == 0
    assert rig.node.trigger_activate() == SUCCESS
    objects, _ = rig.exchange(11.0)
    assert [(item.id, item.mesh_version) for item in objects.objects] == [(1, 2), (2, 2)]


def test_cleanup_frees_the_model_and_a_new_configure_loads_another(rig):
    rig.exchange(10.0)
    rig.node.trigger_deactivate()
    assert rig.node.trigger_cleanup() == SUCCESS
    assert state(rig) == "unconfigured"
    assert rig.backends[0].calls["unload"] == 1
    assert rig.client.count_publishers(f"{rig.namespace}/sam3d/objects") == 0
    for _ in range(2):
        rig.up()
        rig.node.trigger_deactivate()
        rig.node.trigger_cleanup()
    rig.up()
    objects, rejections = rig.exchange(20.0)
    assert rejections == []
    assert len(objects.objects) == 2
    assert len(rig.backends) == 4


def test_a_model_that_cannot_be_loaded_fails_configure_and_leaves_the_node_unconfigured(make_rig, capfd):
    rig = make_rig(FakeConfig(fail_load=True))
    assert rig.node.trigger_configure() == FAILURE
    assert state(rig) == "unconfigured"
    assert "cannot be loaded: the fake backend was told not to load" in capfd.readouterr().err
    rig.fake = FakeConfig()
    rig.up()
    assert len(rig.exchange(10.0)[0].objects) == 2


def test_a_learned_model_without_weights_fails_configure_and_says_where_to_get_some(
    make_rig, capfd, monkeypatch, tmp_path
):
    monkeypatch.setattr("sam3d_ros.pipeline.model_options.SHIPPED", tmp_path / "absent")
    rig = make_rig(factory=make_backend, backend="sam3d")
    assert rig.node.trigger_configure() == FAILURE
    log = capfd.readouterr().err
    assert "'sam3d' cannot be loaded" in log
    assert "sam3d-ros weights import" in log


def test_a_learned_model_without_torch_fails_configure_and_says_what_to_do(make_rig, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "sam3d_ros.pipeline.sam3d", None)  # cannot be imported
    rig = make_rig(factory=make_backend, backend="sam3d")
    assert rig.node.trigger_configure() == FAILURE
    assert state(rig) == "unconfigured"
    log = capfd.readouterr().err
    assert "'sam3d' cannot be loaded" in log
    assert "geometric" in log


def test_a_model_that_loads_too_slowly_fails_configure(make_rig, capfd):
    class Slow(FakeBackend):
        def load(self) -> None:
            self._released.wait(5.0)
            super().load()

    rig = make_rig(factory=lambda _: Slow(), load_timeout=1.0)
    assert rig.node.trigger_configure() == FAILURE
    assert "not loaded within 1 s" in capfd.readouterr().err


def test_a_defect_in_a_transition_goes_through_error_processing_and_the_node_recovers(make_rig, capfd):
    def broken(_):
        raise ZeroDivisionError("a defect")

    rig = make_rig(factory=broken)
    assert rig.node.trigger_configure() == TransitionCallbackReturn.ERROR
    assert state(rig) == "unconfigured"
    assert "on_configure failed: ZeroDivisionError('a defect')" in capfd.readouterr().err
    rig.node.backend_factory = rig._make_backend
    rig.up()


def test_the_state_can_be_changed_by_the_services_of_a_lifecycle_manager(make_rig):
    rig = make_rig()
    change = rig.client.create_client(ChangeState, "sam3d/change_state")
    get = rig.client.create_client(GetState, "sam3d/get_state")
    for transition, label in (
        (Transition.TRANSITION_CONFIGURE, "inactive"),
        (Transition.TRANSITION_ACTIVATE, "active"),
        (Transition.TRANSITION_DEACTIVATE, "inactive"),
        (Transition.TRANSITION_CLEANUP, "unconfigured"),
        (Transition.TRANSITION_UNCONFIGURED_SHUTDOWN, "finalized"),
    ):
        request = ChangeState.Request(transition=Transition(id=transition))
        assert rig.until(change.call_async(request).result, f"transition to {label}").success
        assert rig.until(get.call_async(GetState.Request()).result, "the state").current_state.label == label


def test_nothing_is_published_while_the_node_is_inactive(rig):
    rig.exchange(10.0)
    rig.node.trigger_deactivate()
    published = len(rig.received["objects"])
    rig.node.session.clear().result(timeout=5)
    rig.spin(0.3)
    assert len(rig.received["objects"]) == published
