"""The command makes the same files again, takes up a killed run, and says what it found of the scans."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest

from sam3d_ros.training.data.build import main
from sam3d_ros.training.data.reading import ViewReader
from sam3d_ros.training.data.rendering import ViewJob, make_shard, render_views
from sam3d_ros.training.data.shards import NUMBERS, PICTURES, Shard, write_shard


@pytest.fixture(scope="module")
def folder(object_folder, tmp_path_factory):
    """Two shards of six training views."""
    views = tmp_path_factory.mktemp("views")
    render_views(_jobs(object_folder, views), workers=1, progress=False)
    return views


def _jobs(objects, views):
    return [ViewJob(objects, views, "train", number, 5, 0.4, size=6) for number in range(2)]


def test_a_view_comes_back_from_its_shard_as_it_was(folder, tmp_path):
    views = [Shard(folder / "train-00000.npz")[k] for k in range(4)]
    write_shard(tmp_path / "again.npz", views)
    again = Shard(tmp_path / "again.npz")
    assert len(again) == 4
    for name in (*PICTURES, *NUMBERS):
        if "color" not in name:  # JPEG twice
            np.testing.assert_array_equal(getattr(again[2], name), getattr(views[2], name))
    assert np.abs(again[2].color.astype(int) - views[2].color).mean() < 3


def test_a_killed_run_is_taken_up_and_gives_the_same_files(object_folder, folder, tmp_path):
    shutil.copy(folder / "train-00000.npz", tmp_path)
    stamp = (tmp_path / "train-00000.npz").stat().st_mtime_ns
    (tmp_path / "train-00001.part").write_bytes(b"half a file")
    render_views(_jobs(object_folder, tmp_path), workers=1, progress=False)
    assert (tmp_path / "train-00000.npz").stat().st_mtime_ns == stamp
    first, second = Shard(folder / "train-00001.npz"), Shard(tmp_path / "train-00001.npz")
    for name in (*PICTURES, *NUMBERS):
        np.testing.assert_array_equal(first.column(name), second.column(name))


def test_shards_of_another_number_show_other_scenes(folder):
    first, second = (Shard(folder / f"train-0000{k}.npz").column("seed") for k in range(2))
    assert not set(first.tolist()) & set(second.tolist())


def test_a_reader_can_be_taken_up_at_any_position(folder):
    reader = ViewReader(folder, "train")
    assert len(reader) == 12
    stream = reader.stream(seed=1)
    seen = [next(stream) for _ in range(15)]
    taken_up = reader.stream(1, *seen[9][:2])
    for expected in seen[9:]:
        epoch, position, view = next(taken_up)
        assert (epoch, position) == expected[:2]
        np.testing.assert_array_equal(view.color, expected[2].color)
    assert sorted(reader.order(1, 0)) == list(range(12))
    assert not np.array_equal(reader.order(1, 0), reader.order(1, 1))


def test_a_reader_survives_the_way_to_another_process_and_refuses_numbers_past_its_end(folder):
    reader = pickle.loads(pickle.dumps(ViewReader(folder, "train")))
    assert reader.column("seed").shape == (12,)
    with pytest.raises(IndexError, match="view 12 of 12"):
        reader[12]


def test_a_folder_without_views_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no val views"):
        ViewReader(tmp_path, "val")


def test_a_split_without_objects_is_refused(object_folder, tmp_path):
    with pytest.raises(ValueError, match="no objects for the split 'val'"):
        make_shard(ViewJob(object_folder, tmp_path, "val", 0, 0, 0.4, size=2))


def test_the_command_goes_on_without_scans_and_says_so(tmp_path, capsys):
    out = tmp_path / "data"
    arguments = ["--objects", "2", "--views", "4", "--val-views", "0", "--workers", "1", "--quiet"]
    assert main([*arguments, "--output", str(out), "--scans", str(tmp_path / "nowhere")]) == 0
    said = capsys.readouterr().out
    assert "no scanned objects" in said
    assert "procedural objects only" in said
    assert len(ViewReader(out / "views", "train")) == 4
    assert "| animal |" in (out / "statistics.md").read_text()
    assert (out / "objects.png").is_file()
    assert list(out.glob("views_train_*.png"))


@pytest.mark.parametrize("wrong", [["--objects", "0"], ["--workers", "0"], ["--scan-share", "1.5"], ["--views", "-1"]])
def test_wrong_numbers_are_refused_before_work_starts(wrong, tmp_path, capsys):
    assert main([*wrong, "--output", str(tmp_path / "data")]) == 2
    assert "must be" in capsys.readouterr().out
    assert not (tmp_path / "data").exists()
