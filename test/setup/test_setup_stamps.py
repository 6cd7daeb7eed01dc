"""Nothing is done twice, and nothing is skipped that has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sam3d_setup import main as setup_main
from sam3d_setup import stamps
from sam3d_setup.errors import SetupError
from sam3d_setup.layout import Layout
from sam3d_setup.machine import Machine
from sam3d_setup.plan import Run, Step, WriteFile


@pytest.fixture
def machine(tmp_path):
    return Machine(Layout(tmp_path), "python3", (3, 11), distribution=None, processors=1)


@pytest.fixture
def step(tmp_path):
    source = tmp_path / "source.msg"
    source.write_text("int32 a")
    made = tmp_path / "made.txt"
    return Step(
        "one",
        "One step",
        (WriteFile(made, "made"),),
        inputs=(source,),
        watched=((tmp_path, "numpy-*"),),
        outputs=(made,),
    )


def finish(step: Step, machine: Machine) -> None:
    setup_main.carry_out(machine, (step,))


def test_a_finished_step_is_done(step, machine):
    assert not stamps.is_done(step, machine.layout.state)
    finish(step, machine)
    assert stamps.is_done(step, machine.layout.state)


def test_a_second_run_does_nothing_and_says_nothing(step, machine, capsys):
    finish(step, machine)
    assert "One step" in capsys.readouterr().out
    step.outputs[0].write_text("touched by hand")
    finish(step, machine)
    assert step.outputs[0].read_text() == "touched by hand"
    assert capsys.readouterr().out == ""


def test_a_changed_input_makes_it_due(step, machine):
    finish(step, machine)
    step.inputs[0].write_text("int64 a")
    assert not stamps.is_done(step, machine.layout.state)


def test_another_numpy_makes_it_due(step, machine, tmp_path):
    finish(step, machine)
    (tmp_path / "numpy-2.4.6.dist-info").mkdir()
    assert not stamps.is_done(step, machine.layout.state)


def test_a_vanished_output_makes_it_due(step, machine):
    finish(step, machine)
    step.outputs[0].unlink()
    assert not stamps.is_done(step, machine.layout.state)


def test_another_command_makes_it_due_but_other_variables_of_the_shell_do_not(step):
    run = Run(("cmake", "--build", "x"), (("PATH", "/a"),))
    one = replace(step, actions=(run,))
    assert stamps.key(one) == stamps.key(replace(step, actions=(replace(run, environment=(("PATH", "/b"),)),)))
    assert stamps.key(one) != stamps.key(replace(step, actions=(replace(run, command=("cmake",)),)))


def test_a_file_added_to_an_input_folder_makes_it_due(step, tmp_path):
    folder = tmp_path / "msg"
    folder.mkdir()
    with_folder = replace(step, inputs=(folder,))
    before = stamps.key(with_folder)
    (folder / "New.msg").write_text("int32 b")
    assert stamps.key(with_folder) != before


def test_a_step_that_failed_is_done_again_and_the_ones_before_are_not(step, machine):
    gate = machine.layout.root / "gate"
    failing = Step("two", "Gate", (Run(("test", "-e", str(gate))),))
    with pytest.raises(SetupError, match="step 'Gate' failed"):
        setup_main.carry_out(machine, (step, failing))
    step.outputs[0].write_text("kept")
    gate.touch()
    setup_main.carry_out(machine, (step, failing))
    assert step.outputs[0].read_text() == "kept"
    assert stamps.is_done(failing, machine.layout.state)


def test_an_interrupted_repetition_is_not_taken_for_the_finished_first_run(step, machine):
    flag = machine.layout.root / "flag"
    flag.touch()
    gate = Step("gate", "Gate", (Run(("test", "-e", str(flag))),), inputs=(step.inputs[0],))
    finish(gate, machine)
    step.inputs[0].write_text("int64 a")
    flag.unlink()
    with pytest.raises(SetupError):
        finish(gate, machine)
    step.inputs[0].write_text("int32 a")
    assert not stamps.is_done(gate, machine.layout.state)


def test_a_failure_names_the_step_the_log_and_what_to_try(machine):
    failing = Step("broken", "Broken", (Run(("sh", "-c", "echo the very reason; exit 3")),))
    with pytest.raises(SetupError) as caught:
        finish(failing, machine)
    message = str(caught.value)
    log = machine.layout.build / "logs" / "broken.log"
    assert "step 'Broken' failed: sh ended with status 3" in message
    assert "the very reason" in message
    assert str(log) in message
    assert "the very reason" in log.read_text()


@pytest.mark.parametrize(
    ("command", "tail", "expected"),
    [
        (("python", "-m", "pip"), "timed out", "network"),
        (("python", "-m", "pip"), "OSError: No space left on device", "disk space"),
        (("cmake", "--build"), "error", "rm -rf .venv build"),
    ],
)
def test_advice_fits_the_failure(command, tail, expected):
    assert expected in setup_main.advice(command, tail)
