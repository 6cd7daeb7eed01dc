"""Curves of training runs: read as they were logged, drawn in panels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from draw_curves import draw, read_curve, running_mean

pytest.importorskip("torch")


def write_run(folder, steps, losses):
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps({"run": {"batch": 8}}))
    lines = [json.dumps({"step": step, "loss": loss}) for step, loss in zip(steps, losses, strict=True)]
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n")


def test_steps_that_were_repeated_after_a_kill_count_once(tmp_path):
    write_run(tmp_path / "dpo", [10, 20, 30, 20, 30, 40], [5.0, 4.0, 3.5, 4.2, 3.0, 2.0])
    curve = read_curve(tmp_path, "dpo")
    np.testing.assert_array_equal(curve.samples, [80, 160, 240, 320])
    np.testing.assert_array_equal(curve.loss, [5.0, 4.2, 3.0, 2.0])


def test_a_running_mean_of_a_constant_is_the_constant_up_to_the_ends():
    np.testing.assert_allclose(running_mean(np.full(30, 2.0), 7), 2.0)
    rising = running_mean(np.arange(30.0), 5)
    np.testing.assert_allclose(rising[3:-3], np.arange(30.0)[3:-3])
    np.testing.assert_array_equal(running_mean(np.arange(4.0), 1), np.arange(4.0))


def test_each_curve_has_a_panel_with_ink(tmp_path):
    for name in ("structure", "geometry", "dpo", "distill"):
        write_run(tmp_path / name, range(1, 60), np.linspace(2, 1, 59).tolist())
    sheet = np.asarray(draw([read_curve(tmp_path, name) for name in ("structure", "geometry", "dpo", "distill")]))
    assert sheet.shape == (520, 1260, 3)
    for x, y in ((0, 0), (420, 0), (840, 0), (0, 260)):
        assert (sheet[y : y + 260, x : x + 420] == (30, 60, 120)).all(axis=-1).any()
    assert (sheet[260:, 420:] == 255).all()
