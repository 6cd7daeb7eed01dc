"""A weights folder appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple

import pytest

from sam3d_ros.model import SMALL, WeightsFolder
from sam3d_ros.model.weights import WeightsError, write_random_weights

KILLED_HALFWAY = """
import os, signal, sys
from pathlib import Path
from sam3d_ros.model import SMALL
from sam3d_ros.model.weights import write_random_weights

def progress(done, total):
    if done > total / 2:
        os.kill(os.getpid(), signal.SIGKILL)

write_random_weights(Path(sys.argv[1]), SMALL, seed=0, progress=progress)
"""


def write(output, **options):
    return write_random_weights(output, SMALL, seed=0, **options)


def refused(output, **options):
    with pytest.raises(WeightsError) as caught:
        write(output, **options)
    return str(caught.value)


@pytest.fixture
def nobody():
    """The rights of a user who owns nothing here."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


def test_missing_folders_above_are_made(tmp_path):
    write(tmp_path / "a" / "b")
    assert "geometry" in WeightsFolder(tmp_path / "a" / "b").parts


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "out").mkdir()
    write(tmp_path / "out")
    assert WeightsFolder(tmp_path / "out").parts


def test_what_exists_is_not_written_over(tmp_path):
    write(tmp_path / "out")
    (tmp_path / "file").write_text("mine")
    assert "exists already; remove it or choose another folder" in refused(tmp_path / "out")
    assert "exists already" in refused(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError(28, "No space left on device")])
def test_nothing_is_left_when_it_is_interrupted(tmp_path, error):
    def stop(done, total):
        if done > total / 2:
            raise error

    with pytest.raises((KeyboardInterrupt, SystemExit, WeightsError)):
        write(tmp_path / "above" / "out", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_leaves_no_folder_and_the_next_one_takes_over(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED_HALFWAY, str(tmp_path / "out")], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [path.name for path in tmp_path.iterdir()] == [".out.partial"]
    write(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    WeightsFolder(tmp_path / "out", verify=True)


def test_two_processes_do_not_write_the_same_folder(tmp_path):
    heard = []

    def second(done, total):
        if not heard:
            heard.append(refused(tmp_path / "out"))

    write(tmp_path / "out", progress=second)
    assert "another process is writing it" in heard[0]
    WeightsFolder(tmp_path / "out", verify=True)


def test_what_a_link_leads_to_is_not_emptied(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    (tmp_path / ".out.partial").symlink_to(tmp_path / "precious")
    assert "cannot be written" in refused(tmp_path / "out")
    assert (tmp_path / "precious" / "file").read_text() == "mine"


def test_a_disk_without_room_is_refused_with_numbers(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 5, 5))
    assert "0.0 GB free on the disk" in refused(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_permission_is_refused(tmp_path, nobody):
    assert "(Permission denied)" in refused(tmp_path / "out")


def test_a_file_in_place_of_a_folder_above_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'file'} is a file; choose another folder" in refused(tmp_path / "file" / "a" / "out")
