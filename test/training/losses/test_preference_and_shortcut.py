"""Losses of the later stages."""

from __future__ import annotations

import math

import pytest
import torch

from sam3d_ros.training.losses.preference import PairErrors, implicit_accuracy, preference_loss
from sam3d_ros.training.losses.shortcut import guided, shortcut_target, velocity_errors


def test_a_network_that_is_the_reference_has_the_loss_of_a_coin():
    errors = PairErrors(torch.tensor([0.3, 2.0]), torch.tensor([1.0, 0.1]))
    assert float(preference_loss(errors, errors, 100.0)) == pytest.approx(math.log(2))


def test_the_loss_falls_where_the_chosen_gains_more_than_the_rejected():
    reference = PairErrors(torch.ones(4), torch.ones(4))
    better = PairErrors(torch.full((4,), 0.8), torch.full((4,), 0.9))
    worse = PairErrors(torch.full((4,), 0.9), torch.full((4,), 0.8))
    assert preference_loss(better, reference, 10.0) < math.log(2) < preference_loss(worse, reference, 10.0)
    assert implicit_accuracy(better, reference) == 1
    assert implicit_accuracy(worse, reference) == 0


def test_descent_lowers_the_chosen_error_and_raises_the_rejected():
    errors = PairErrors(torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True))
    preference_loss(errors, PairErrors(torch.ones(1), torch.ones(1)), 2.0).backward()
    assert errors.chosen.grad > 0 > errors.rejected.grad


def straight(state, t, d):
    return {name: torch.full_like(x, 3.0) for name, x in state.items()}


def growing(state, t, d):
    return {name: 2 * t[:, None, None].expand_as(x) for name, x in state.items()}


STATE = {"shape": torch.zeros(2, 4, 3), "scale": torch.zeros(2, 1, 3)}


def test_a_straight_flow_is_its_own_shortcut():
    target = shortcut_target(straight, STATE, torch.tensor([0.0, 0.5]), torch.tensor([0.25, 0.125]))
    assert all((x == 3).all() for x in target.values())


def test_a_step_of_the_target_arrives_where_two_steps_of_the_teacher_do():
    t, d = torch.tensor([0.0, 0.5]), torch.tensor([0.25, 0.125])
    target = shortcut_target(growing, STATE, t, d)
    for name, x in STATE.items():
        step = d[:, None, None]
        half = x + step * growing(STATE, t, d)[name]
        end = half + step * growing(STATE, t + d, d)[name]
        torch.testing.assert_close(x + 2 * step * target[name], end)


def test_no_gradient_reaches_the_teacher():
    weight = torch.ones(1, requires_grad=True)
    target = shortcut_target(
        lambda s, t, d: {n: x + weight for n, x in s.items()}, STATE, torch.zeros(2), torch.ones(2)
    )
    assert not any(x.requires_grad for x in target.values())


def test_guidance_exaggerates_what_the_condition_changes():
    field = guided(straight, growing, 2.0)
    answer = field(STATE, torch.tensor([0.5, 1.0]), torch.zeros(2))["scale"]
    torch.testing.assert_close(answer[:, 0, 0], torch.tensor([3 * 3 - 2 * 1.0, 3 * 3 - 2 * 2.0]))
    assert torch.equal(
        guided(straight, growing, 0.0)(STATE, torch.zeros(2), torch.zeros(2))["scale"], STATE["scale"] + 3
    )


def test_errors_are_weighted_by_latent():
    answer = {name: x + 1 for name, x in STATE.items()}
    assert velocity_errors(answer, STATE, {"shape": 1.0, "scale": 0.1}).tolist() == pytest.approx([1.1, 1.1])
