"""Settings, budgets, rates, positions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sam3d_ros.training.engine.budget import Budget, seconds_of
from sam3d_ros.training.engine.errors import TrainingError
from sam3d_ros.training.engine.optimiser import rate_at
from sam3d_ros.training.engine.positions import Order, Share, parts_from, rng_at
from sam3d_ros.training.engine.settings import OptimiserSettings, RunSettings, read_settings
from sam3d_ros.training.stages.geometry import GeometrySettings
from sam3d_ros.training.stages.structure import StructureSettings


def written(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    return tmp_path / "a.yaml"


def test_what_is_not_named_keeps_the_defaults_of_its_stage(tmp_path):
    settings = read_settings(written(tmp_path, "run: {optimiser: {clip: 2.0}}"), StructureSettings)
    default = StructureSettings()
    assert settings.run.optimiser == replace(default.run.optimiser, clip=2.0)
    assert replace(settings.run, optimiser=default.run.optimiser) == default.run
    assert read_settings(None, StructureSettings) == default


@pytest.mark.parametrize(("name", "kind"), [("structure", StructureSettings), ("geometry", GeometrySettings)])
def test_the_settings_beside_the_code_are_its_defaults(name, kind):
    path = Path(__file__).resolve().parents[3] / "config" / "training" / f"{name}.yaml"
    assert read_settings(path, kind) == kind()


def test_settings_are_read_and_changed_by_dotted_names(tmp_path):
    path = written(tmp_path, "steps: 5\noptimiser: {rate: 1.0e-3, betas: [0.8, 0.9]}\n")
    settings = read_settings(path, RunSettings, {"optimiser.rate": "2.0e-4", "batch": "8"})
    assert (settings.steps, settings.batch) == (5, 8)
    assert (settings.optimiser.rate, settings.optimiser.betas) == (2e-4, (0.8, 0.9))


@pytest.mark.parametrize("text", ["3e-4", "3E-4", "0.3e-3"])
def test_numbers_with_an_exponent_need_no_point(text):
    """YAML 1.1 reads them as words."""
    assert read_settings(None, RunSettings, {"optimiser.rate": text}).optimiser.rate == pytest.approx(3e-4)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("stepz: 5", "a.yaml: stepz: not known; the fields are steps"),
        ("steps: many", "steps is 'many', expected int"),
        ("optimiser: {rat: 1}", "a.yaml: optimiser: rat: not known"),
        ("steps: true", "steps is True"),
        ("optimiser: {rate: fine}", "rate is 'fine', expected float"),
        ("[1]", "is not known"),
        ("{", "a.yaml"),
    ],
)
def test_what_is_unknown_or_of_another_type_is_named(tmp_path, text, named):
    with pytest.raises(TrainingError, match=named):
        read_settings(written(tmp_path, text), RunSettings)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("20m", 1200), ("1h30m", 5400), ("0.5h", 1800), ("0s", 0)])
def test_durations(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "5d", "m", "1h 3m"])
def test_other_durations_are_refused(text):
    with pytest.raises(TrainingError, match="write it like"):
        seconds_of(text)


def test_a_budget_of_nothing_is_spent_and_none_never_ends():
    assert Budget(0).spent
    assert not Budget(None).spent


def test_the_rate_rises_to_its_peak_and_falls_to_its_last_share():
    settings = OptimiserSettings(rate=1.0, warm_up=10, last_rate=0.1)
    rates = [rate_at(step, 110, settings) for step in range(111)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(0.1)


@pytest.mark.parametrize(("processes", "accumulate"), [(1, 1), (2, 1), (1, 3), (2, 3)])
def test_every_sharing_of_a_step_sees_the_same_positions(processes, accumulate):
    shares = [Share(12, rank, processes, accumulate) for rank in range(processes)]
    for step in (0, 3):
        seen = [position for share in shares for part in share.positions(step) for position in part]
        assert sorted(seen) == list(range(12 * step, 12 * step + 12))


def test_parts_go_on_where_a_run_was_interrupted():
    share = Share(4, accumulate=2)
    assert [*parts_from(share, 0, 2), *parts_from(share, 2, 5)] == list(parts_from(share, 0, 5))


def test_a_batch_that_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match="batch of 10 cannot be shared by 4 processes"):
        Share(10, processes=4)


def test_every_sample_is_seen_once_a_round_in_another_order_each_time():
    order = Order(20, seed=1)
    first, second = ([order.index(20 * turn + k) for k in range(20)] for turn in range(2))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert Order(20, seed=1).index(27) == second[7]


def test_random_numbers_belong_to_the_position():
    assert rng_at(0, 5).random() == rng_at(0, 5).random()
    assert len({rng_at(seed, position).random() for seed in (0, 1) for position in (0, 1)}) == 4
