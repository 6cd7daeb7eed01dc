"""Several answers to one mask: the best score wins, and the rest of the program sees one object."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from one_view import bowl, view_of

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.pipeline import CancelToken, Detail, Progress, Quality, Reconstruction, Rejection, RejectionReason
from sam3d_ros.pipeline.model_options import ModelOptions, OptionsError
from sam3d_ros.pipeline.sam3d import Sam3dBackend, Sam3dSettings
from sam3d_ros.pipeline.sam3d.candidates import best_of, progress_of

REFUSED = Rejection(1, RejectionReason.LOW_DEPTH_AGREEMENT, "12 %")


def answer(score: float, **latency_ms: float) -> Reconstruction:
    quality = Quality(inlier_ratio=score, mask_iou=1.0, free_space=0.0)
    mesh = box_mesh(np.full(3, 0.1), color=np.full(3, 128.0))
    return Reconstruction(1, mesh, SE3.identity(), 0.1, quality, np.eye(6), latency_ms)


def test_the_highest_score_wins_with_the_time_of_all():
    best = best_of(
        [answer(0.7, geometry=10.0), REFUSED, answer(0.9, geometry=20.0, place=1.0), answer(0.8, geometry=5.0)]
    )
    assert best.quality.inlier_ratio == 0.9
    assert best.latency_ms == {"geometry": 35.0, "place": 1.0}


def test_a_score_that_is_not_known_is_the_lowest():
    assert best_of([answer(float("nan")), answer(0.1)]).quality.inlier_ratio == 0.1


def test_where_none_is_accepted_the_first_reason_is_said():
    other = replace(REFUSED, detail="9 %")
    assert best_of([REFUSED, other]) is REFUSED


def test_progress_goes_through_the_whole_once_with_one_coarse_answer():
    heard: list[Progress] = []
    for number in range(3):
        report = progress_of(number, 3, heard.append)
        for percent in (50.0, 100.0):
            report(Progress(1, "geometry", percent, answer(0.5) if percent == 50.0 else None))
    assert [said.percent for said in heard] == pytest.approx([50 / 3, 100 / 3, 150 / 3, 200 / 3, 250 / 3, 100])
    assert [said.coarse is not None for said in heard] == [True] + [False] * 5


@pytest.mark.parametrize("count", [0, -1, 65])
def test_a_number_that_cannot_be_is_named(count):
    with pytest.raises(OptionsError, match=f"candidates must lie in 1..64, got {count}"):
        ModelOptions(candidates=count)


def complete(*, candidates: int, seed: int = 0) -> Reconstruction:
    backend = Sam3dBackend(Sam3dSettings(ModelOptions(candidates=candidates), seed=seed))
    backend.load()
    prepared = backend.prepare(view_of(bowl()).frame)
    found = backend.reconstruct(prepared, 1, detail=Detail.FULL, progress=lambda _: None, cancel=CancelToken())
    assert isinstance(found, Reconstruction), found
    return found


def test_of_the_shipped_model_the_best_of_the_seeds_is_answered():
    alone = [complete(candidates=1, seed=seed) for seed in range(3)]
    scores = [one.quality.score for one in alone]
    assert len(set(scores)) == 3  # seeds differ
    chosen = complete(candidates=3)
    np.testing.assert_array_equal(chosen.mesh.vertices, alone[int(np.argmax(scores))].mesh.vertices)
    assert chosen.latency_ms.keys() == alone[0].latency_ms.keys()
