"""Which finished meshes leave as objects."""

from __future__ import annotations

import pytest

from sam3d_ros.pipeline import Quality
from sam3d_ros.pipeline.gates import OPEN, Gates
from sam3d_ros.pipeline.result import RejectionReason

GOOD = {"inlier_ratio": 0.9, "mask_iou": 0.8, "free_space": 0.1}


def test_what_agrees_passes():
    assert Gates().doubt(1, Quality(**GOOD)) is None


@pytest.mark.parametrize(("figure", "value"), [("inlier_ratio", 0.39), ("mask_iou", 0.29), ("free_space", 0.51)])
def test_each_figure_alone_refuses_and_all_are_said(figure, value):
    rejection = Gates().doubt(7, Quality(**GOOD | {figure: value}))
    assert (rejection.label, rejection.reason) == (7, RejectionReason.LOW_DEPTH_AGREEMENT)
    assert f"{value:.0%}" in rejection.detail
    for name in ("gate_inlier_ratio 40%", "gate_mask_iou 30%", "gate_free_space 50%"):
        assert name in rejection.detail


@pytest.mark.parametrize("figure", ["inlier_ratio", "mask_iou"])
def test_agreement_that_is_not_known_is_none(figure):
    assert Gates().doubt(1, Quality(**GOOD | {figure: float("nan")})) is not None


def test_free_space_that_is_not_known_refuses_nothing():
    assert Gates().doubt(1, Quality(**GOOD | {"free_space": float("nan")})) is None


def test_open_gates_let_everything_pass():
    assert OPEN.doubt(1, Quality()) is None
    assert OPEN.doubt(1, Quality(inlier_ratio=0.0, mask_iou=0.0, free_space=1.0)) is None


@pytest.mark.parametrize("name", ["min_inlier_ratio", "min_mask_iou", "max_free_space"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_limits_that_are_no_shares_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        Gates(**{name: value})
