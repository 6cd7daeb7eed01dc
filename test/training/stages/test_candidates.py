"""Candidates: judged against the truth, kept on disk, chosen from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from later_rig import StopsAfter, workplace

from sam3d_ros.training.engine.budget import Budget
from sam3d_ros.training.engine.errors import TrainingError
from sam3d_ros.training.stages.candidates import (
    CHOSEN,
    HAS_TARGET,
    REJECTED,
    TARGET,
    Candidates,
    ChosenViews,
    Judged,
    Pairs,
    Proposing,
    Question,
    Shape,
    TruthJudge,
    Verdict,
    fill,
    propose,
    stored,
)
from sam3d_ros.training.stages.conditioned import ConditionedGeometry, load_geometry

pytest.importorskip("lightning_fabric", reason="the toy geometry is made with the extra `train`")


def ball(radius: float) -> Shape:
    axis = np.arange(32) - 15.5
    distance = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis)), axis=0) - radius
    return Shape(distance < 0, distance.astype(np.float32))


def test_the_judge_of_the_truth_ranks_by_likeness():
    nothing = Shape(np.zeros((32,) * 3), np.ones((32,) * 3, np.float32))
    question = Question(0, (ball(10.0), ball(9.5), ball(7.0), nothing), ball(10.0))
    same, near, far, none = TruthJudge()(question)
    assert same == Verdict(1.0, 1.0, 1.0, 0.0)
    assert near.f_score == 1
    assert near.iou == pytest.approx(0.95**3, abs=0.02)
    assert near.score > far.score > none.score == 0
    assert far.chamfer == pytest.approx(3.0, abs=0.1)
    with pytest.raises(ValueError, match="view 0 comes without its truth"):
        TruthJudge()(replace(question, truth=None))


SCORES = {3: (0.2, 0.9, 0.5), 5: (0.4, 0.3, 0.38), 8: (0.7, 0.7, 0.1)}


class ScriptedProposals:
    """Latents that say of which view and candidate they are; scores by script."""

    def __init__(self):
        self.asked = []

    def __call__(self, numbers):
        self.asked += list(numbers)
        latents = torch.tensor([[[[number, k]] for k in range(3)] for number in numbers], dtype=torch.float32)
        return Judged(latents, [tuple(Verdict(s, s, s, 1.0) for s in SCORES[number]) for number in numbers])


class Numbers:
    """Views that are their own numbers."""

    def __getitem__(self, index):
        return {"number": index}


@pytest.fixture
def candidates(tmp_path) -> Candidates:
    made = fill(tmp_path / "c", [3, 5, 8], {"seed": 0}, ScriptedProposals(), Budget(None))
    assert made is not None
    return made


def test_the_best_that_passes_is_the_target_and_the_truth_where_none_does(candidates):
    chosen = ChosenViews.of(Numbers(), candidates, 0.6, unsolved=True)
    samples = [chosen[k] for k in range(len(chosen))]
    assert [sample["number"] for sample in samples] == [3, 5, 8]
    assert [float(sample[HAS_TARGET]) for sample in samples] == [1, 0, 1]
    assert samples[0][TARGET].tolist() == [[3, 1]]
    alone = ChosenViews.of(Numbers(), candidates, 0.6, unsolved=False)
    assert [alone[k]["number"] for k in range(len(alone))] == [3, 8]
    with pytest.raises(TrainingError, match=r"reaches the threshold 0.95; the best is 0.900"):
        ChosenViews.of(Numbers(), candidates, 0.95, unsolved=False)


def test_pairs_are_of_the_best_and_the_worst_where_they_differ_enough(candidates):
    pairs = Pairs.of(Numbers(), (candidates, candidates), 0.3)
    assert [pairs[k]["number"] for k in range(len(pairs))] == [3, 8, 3, 8]
    assert (pairs[0][CHOSEN].tolist(), pairs[0][REJECTED].tolist()) == ([[3, 1]], [[3, 0]])
    with pytest.raises(TrainingError, match=r"by a margin of 0.9"):
        Pairs.of(Numbers(), (candidates,), 0.9)


def test_a_run_that_is_stopped_goes_on_with_the_files_that_are_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("sam3d_ros.training.stages.candidates.storing.PER_FILE", 1)
    first, second, numbers = ScriptedProposals(), ScriptedProposals(), [3, 5, 8]
    assert fill(tmp_path, numbers, {"seed": 0}, first, StopsAfter(1)) is None
    assert not stored(tmp_path)
    made = fill(tmp_path, numbers, {"seed": 0}, second, Budget(None))
    assert (first.asked, second.asked) == ([3], [5, 8])
    assert stored(tmp_path)
    assert made.column("view").tolist() == numbers
    np.testing.assert_allclose(made.column("score"), list(SCORES.values()))
    assert made.latent(2, 1).tolist() == [[8, 1]]
    with pytest.raises(TrainingError, match="other settings; remove the folder"):
        fill(tmp_path, numbers, {"seed": 1}, second, Budget(None))


def test_proposals_of_a_view_do_not_depend_on_those_beside_it_and_begin_with_the_regression(tmp_path):
    work = workplace(tmp_path)
    objective = load_geometry(tmp_path / "geometry", tmp_path, ConditionedGeometry)
    proposing = Proposing(candidates=3, steps=2)
    together, alone = (propose(objective, work.data.train, n, proposing, TruthJudge()) for n in ([2, 7], [7]))
    torch.testing.assert_close(together.latents[1], alone.latents[0], atol=1e-5, rtol=1e-4)
    assert together.verdicts[1][0].score == pytest.approx(alone.verdicts[0][0].score, abs=1e-3)
    batch = torch.utils.data.default_collate([work.data.train[7]])
    flow = objective.flow(objective.condition(batch), layout=False)
    assert (alone.latents[0, 1] - alone.latents[0, 2]).abs().max() > 1e-3
    assert flow.clean


def test_one_candidate_is_no_choice():
    with pytest.raises(TrainingError, match="1 candidates"):
        Proposing(candidates=1)
