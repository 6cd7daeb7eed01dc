"""The command line of the node programs: help at once, one clear line for what they cannot take."""

from __future__ import annotations

import importlib
import subprocess
import sys
import threading

import pytest

from sam3d_ros.node.command_line import CommandLine
from sam3d_ros.pipeline.fake import FakeBackend

COMMAND = CommandLine("program", "/node", "Does something.", "seed:=1", "parameters.yaml")
PROGRAMS = ("sam3d_ros.node.main", "sam3d_ros.node.tabletop_main")


@pytest.mark.parametrize("arguments", [[], ["--ros-args", "-p", "seed:=1", "-r", "-h:=x"], ["--ros-args", "--"]])
def test_ros_arguments_alone_are_for_the_node(arguments):
    assert COMMAND.answer(arguments) is None


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["--ros-args", "-p", "seed:=1", "--", "--help"]])
def test_help_says_how_to_set_parameters_and_where_the_tables_are(arguments, capsys):
    assert COMMAND.answer(arguments) == 0
    printed = capsys.readouterr()
    for words in (
        "Does something.",
        "--ros-args -p seed:=1",
        "--params-file",
        "docs/parameters.md",
        "docs/interface.md",
    ):
        assert words in printed.out
    assert printed.err == ""


@pytest.mark.parametrize("arguments", [["image:=x"], ["--seed", "3"], ["--ros-args", "-r", "a:=b", "--", "stray"]])
def test_an_argument_outside_of_the_ros_arguments_is_refused_in_one_line(arguments, capsys):
    assert COMMAND.answer(arguments) == 2
    printed = capsys.readouterr()
    stray = next(word for word in ("image:=x", "--seed", "stray") if word in arguments)
    assert printed.err.startswith(f"program: unknown argument {stray!r}")
    assert len(printed.err.splitlines()) == 1
    assert printed.out == ""


@pytest.mark.ros
@pytest.mark.parametrize("module", PROGRAMS)
def test_the_programs_name_a_parameter_that_they_have(module, messages):
    from sam3d_ros.node.parameters import parameter_specs

    command = importlib.import_module(module).COMMAND
    name, _ = command.example.split(":=")
    assert name in {spec.name for spec in parameter_specs(command.parameters_file)}


@pytest.mark.ros
@pytest.mark.parametrize("module", PROGRAMS)
def test_help_does_not_load_the_model(module, messages):
    program = f"import sys, {module} as m; status = m.main(['--help']); sys.exit('open3d' in sys.modules or status)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ")


@pytest.mark.ros
@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["-p", "seed"], "Couldn't parse parameter override rule: '-p seed'"),
        (["--nonsense"], "--nonsense"),
        (["--params-file", "/absent.yaml"], "/absent.yaml"),
    ],
)
def test_a_broken_ros_argument_is_told_without_a_traceback(arguments, fault, messages):
    program = [sys.executable, "-m", PROGRAMS[0], "--ros-args", *arguments]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]  # rcl itself may log a line before
    assert last.startswith("sam3d_node: ")
    assert fault in last
    assert "Traceback" not in done.stderr


@pytest.mark.ros
def test_a_stop_while_the_model_loads_is_not_called_a_timeout(make_rig, capfd):
    loading, go_on = threading.Event(), threading.Event()

    class Slow(FakeBackend):
        def load(self) -> None:
            loading.set()
            go_on.wait(20)

    rig = make_rig(factory=lambda _: Slow())
    threading.Thread(target=lambda: loading.wait(20) and rig.node.stop_requested.set()).start()
    rig.node.trigger_configure()
    go_on.set()
    log = capfd.readouterr().err
    assert "was not loaded: the node was asked to stop meanwhile" in log
    assert "within" not in log
    assert "[FATAL]" not in log
