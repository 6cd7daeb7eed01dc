"""Pretraining and mid-training: which views they see, and that one goes on with the weights of the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from later_rig import RUN, SETTINGS, workplace

from sam3d_ros.training.data.arranging import SceneKind
from sam3d_ros.training.engine.budget import Budget
from sam3d_ros.training.engine.errors import TrainingError
from sam3d_ros.training.engine.settings import OptimiserSettings
from sam3d_ros.training.stages.conditioned import ConditionedGeometry, load_geometry
from sam3d_ros.training.stages.geometry import Spread
from sam3d_ros.training.stages.kinds_run import midtrain, pretrain
from sam3d_ros.training.stages.structure_run import load_structure

pytest.importorskip("lightning_fabric", reason="training needs the extra `train`")
pytest.importorskip("tensorboard", reason="training needs the extra `train`")


class Noted:
    """Samples that write down which of them were asked for."""

    def __init__(self, samples):
        self.samples, self.asked = samples, []

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        self.asked.append(index)
        return self.samples[index]


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setattr("sam3d_ros.training.stages.workplace.write_all", lambda *_: None)
    made = workplace(tmp_path)
    return replace(made, data=replace(made.data, train=Noted(made.data.train)))


def test_pretraining_sees_isolated_objects_and_mid_training_all(work):
    settings = replace(SETTINGS, run=replace(RUN, steps=6), mirrored=0.5)
    objective = ConditionedGeometry(settings, load_structure(work.runs))
    assert pretrain(work, objective, Budget(None)).finished
    assert {SceneKind(work.kinds[index]) for index in work.data.train.asked} == {SceneKind.ISOLATED}
    work.data.train.asked.clear()
    assert midtrain(work, replace(settings, spread=Spread(0.0, 0.0)), Budget(None), work.runs / "pretrain").finished
    assert {SceneKind(work.kinds[index]) for index in work.data.train.asked} == set(SceneKind)
    assert load_geometry(work.runs / "midtrain", work.runs, ConditionedGeometry).settings.spread.begin == 0


def test_mid_training_goes_on_with_the_weights_of_the_stage_before(work):
    still = replace(RUN, steps=1, optimiser=OptimiserSettings(rate=0.0, warm_up=1))
    midtrain(work, replace(SETTINGS, run=still), Budget(None), work.runs / "geometry")
    before, after = (
        load_geometry(work.runs / name, work.runs, ConditionedGeometry).state_dict()
        for name in ("geometry", "midtrain")
    )
    assert all(torch.equal(before[name], x) for name, x in after.items())


def test_views_of_a_kind_that_is_missing_are_asked_for_by_name(work):
    with pytest.raises(TrainingError, match="no views of CAMERA scenes; make more data"):
        replace(work, kinds=np.zeros(12, np.int64)).views_of(SceneKind.CAMERA)
