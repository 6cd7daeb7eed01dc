"""Parameters: one file is the source of declarations, checks, the parameter file and the documentation."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

pytest.importorskip("rclpy")

from rclpy.parameter import Parameter

from sam3d_ros.node.parameters import ParameterError, Parameters, parameter_specs
from sam3d_ros.node.parameters_doc import config_text, doc_text
from sam3d_ros.pipeline.backends import BACKENDS, DEFAULT
from sam3d_ros.pipeline.observation import PrepareConfig
from sam3d_ros.pipeline.registration import RegistrationConfig
from sam3d_ros.tracking.config import TrackingConfig

ROOT = Path(__file__).resolve().parents[2]


def test_the_fields_of_the_parameters_are_those_of_the_file_in_name_order_and_type():
    declared = [(spec.name, {"integer": "int", "double": "float", "string": "str"}.get(spec.kind, spec.kind))
                for spec in parameter_specs()]  # fmt: skip
    assert [(field.name, field.type) for field in fields(Parameters)] == declared


def test_the_defaults_are_those_of_the_core():
    parameters = Parameters.from_values({})
    assert parameters.prepare_config() == PrepareConfig()
    assert parameters.tracking_config().registration == RegistrationConfig()
    core, ours = TrackingConfig(), parameters.tracking_config()
    differing = {f.name for f in fields(core) if getattr(core, f.name) != getattr(ours, f.name)}
    # The node decides on time jumps itself, and clears inputs and transforms with the objects.
    assert differing <= {"time_jump_s"}


def test_every_backend_can_be_chosen():
    (spec,) = [spec for spec in parameter_specs() if spec.name == "backend"]
    assert spec.choices == BACKENDS
    assert spec.default == DEFAULT


def test_every_parameter_says_what_it_does_and_when_it_can_change():
    for spec in parameter_specs():
        assert len(spec.description) > 20, spec.name
        assert spec.description.endswith("."), spec.name
        assert spec.changeable in ("running", "unconfigured", "never"), spec.name
        assert (spec.range is not None) == (spec.kind in ("integer", "double")), spec.name


def test_the_parameter_file_and_the_page_of_the_documentation_are_up_to_date():
    advice = "run `python -m sam3d_ros.node.parameters_doc`"
    assert (ROOT / "config" / "sam3d.yaml").read_text(encoding="utf-8") == config_text(), advice
    assert (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8") == doc_text(), advice


def test_the_parameter_file_holds_the_defaults():
    values = yaml.safe_load(config_text())["/**/sam3d"]["ros__parameters"]
    assert Parameters.from_values(values) == Parameters.from_values({})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_depth", 5, "write 5.0"),
        ("max_depth", float("nan"), "between"),
        ("max_depth", -1.0, "between 0.01 and 1000 m"),
        ("min_mask_pixels", 0, "between 1 and"),
        ("min_mask_pixels", True, "must be of type integer"),
        ("mode", "sometimes", "continuous, on_request"),
        ("target_frame", "/map", "leading slash"),
        ("tf_prefix", "my object", "white space"),
        ("min_depth", 50.0, "must be below max_depth"),
        ("object_timeout", 90.0, "must be below hang_timeout"),
        ("no_such", 1, "there is no parameter no_such"),
    ],
)
def test_a_bad_value_is_refused_with_its_reason(name, value, words):
    with pytest.raises(ParameterError, match=words):
        Parameters.from_values({name: value})


@pytest.mark.ros
@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"max_depth": 5}, "max_depth"),
        ({"sync_slop": -3.0}, "sync_slop"),
        ({"backend": "magic"}, "geometric, sam3d, fake"),
        ({"min_depth": 6.0, "max_depth": 5.0}, "must be below max_depth"),
    ],
)
def test_a_bad_value_at_start_is_fatal_in_the_log_and_fails_configure(make_rig, capfd, overrides, words):
    rig = make_rig(**overrides)
    rig.node.trigger_configure()
    assert rig.node._state_machine.current_state[1] == "unconfigured"
    log = capfd.readouterr().err
    assert "FATAL" in log
    assert words in log


@pytest.mark.ros
def test_a_bad_value_at_start_can_be_mended_without_a_restart(make_rig):
    rig = make_rig(max_depth=-5.0)
    assert rig.node.set_parameters([Parameter("max_depth", value=3.0)])[0].successful
    rig.up()


@pytest.mark.ros
def test_a_bad_value_while_running_is_refused_with_its_reason_and_nothing_changes(rig):
    (result,) = rig.node.set_parameters([Parameter("mode", value="sometimes")])
    assert not result.successful
    assert "continuous, on_request" in result.reason
    (result,) = rig.node.set_parameters([Parameter("input_timeout", value=-1.0)])
    assert not result.successful
    assert "out of range" in result.reason
    assert rig.node.parameters.mode == "continuous"


@pytest.mark.ros
def test_what_cannot_change_while_running_is_refused_and_can_change_after_cleanup(rig):
    change = [Parameter("triangle_budget", value=500)]
    (result,) = rig.node.set_parameters(change)
    assert not result.successful
    assert "clean it up first" in result.reason
    rig.node.trigger_deactivate()
    rig.node.trigger_cleanup()
    assert rig.node.set_parameters(change)[0].successful
    (result,) = rig.node.set_parameters([Parameter("autostart", value=False)])
    assert not result.successful
    assert "read-only" in result.reason


@pytest.mark.ros
def test_a_change_while_running_takes_effect_with_the_next_frame(rig):
    rig.exchange(10.0)
    for name, value in (("publish_tf", False), ("objects_mesh", "on_change")):
        assert rig.node.set_parameters([Parameter(name, value=value)])[0].successful
    rig.spin(0.3)
    sent = len(rig.received["tf"])
    objects, _ = rig.exchange(10.1)
    rig.spin(0.2)
    assert len(rig.received["tf"]) == sent
    assert all(len(item.mesh.vertices) == 0 for item in objects.objects)


@pytest.mark.ros
def test_switching_to_on_request_stops_new_reconstructions(rig, messages):
    rig.exchange(10.0, messages.Picture({3: (40, 30)}))
    rig.node.set_parameters([Parameter("mode", value="on_request")])
    objects, _ = rig.exchange(10.1)
    assert [item.label for item in objects.objects] == [3]


@pytest.mark.ros
def test_descriptors_carry_description_range_and_choices(rig):
    descriptor = rig.node.describe_parameter("max_depth")
    assert "Farther depth readings" in descriptor.description
    assert (descriptor.floating_point_range[0].from_value, descriptor.floating_point_range[0].to_value) == (0.01, 1000)
    assert rig.node.describe_parameter("mode").additional_constraints == "one of: continuous, on_request"
    assert rig.node.describe_parameter("autostart").read_only
