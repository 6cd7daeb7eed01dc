"""Sequences of the benchmark of following, and what it says of them."""

from __future__ import annotations

from argparse import Namespace

import numpy as np
import pytest
from bench_following import Run, follow_sequence, is_round
from following_returns import Absences, told
from following_scenes import Sequence30

from sam3d_ros.geometry.metrics import rotation_error, translation_error
from sam3d_ros.pipeline.backends import create_backend
from sam3d_ros.tracking.tracker import SceneTracker


@pytest.fixture(scope="module")
def sequence(scans) -> Sequence30:
    return Sequence30.make(scans, 1001)


def test_one_object_moves_the_others_rest_and_the_hand_never_does(sequence):
    for number in range(len(sequence.objects)):
        before, after = sequence.pose(number, 0.0), sequence.pose(number, 2.0)
        if number == sequence.moving:
            assert translation_error(after, before) > 0.04
            assert rotation_error(after, before) > np.radians(50)
        else:
            assert after is before
    first, second = sequence.play(2, shuffled=False)
    assert 0 < translation_error(second.T_world_cam, first.T_world_cam) < 0.02
    assert second.frame.stamp_ns == pytest.approx(1e9 / 30, abs=1)


def test_masks_lie_where_the_objects_are_and_shuffled_labels_differ_from_frame_to_frame(sequence):
    labels = []
    for instant in sequence.play(2, shuffled=True):
        assert len(instant.names) == len(sequence.objects)
        labels.append(set(instant.names))
        for label, number in instant.names.items():
            points = instant.frame.pointmap[instant.frame.labels == label]
            points = points[np.isfinite(points).all(axis=1)]
            if len(points) < 50:
                continue
            T_cam_obj = instant.T_world_cam.inverse() @ instant.T_world_obj[number]
            middle = np.median(points, axis=0)
            reach = np.linalg.norm(sequence.objects[number].mesh.extents)
            assert np.linalg.norm(middle - T_cam_obj.apply(sequence.objects[number].mesh.box_centre)) < reach
    assert labels[0] != labels[1]


def test_balls_are_round_and_boxes_are_not(scans):
    by_name = {item.name: item for item in scans}
    assert is_round(by_name["ycb_baseball"])
    assert not is_round(by_name["ycb_wood_block"])


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_benchmark_compares_every_object_it_follows(sequence, shuffled):
    backend, run = create_backend("geometric"), Run()
    backend.load()
    follow_sequence(sequence, SceneTracker(backend), run, Namespace(frames=6, shuffled=shuffled, hidden=0.0))
    assert len(run.paths) == len(sequence.objects)
    assert run.switches == 0
    assert len(run.times_ms) >= 3
    followed = [path for path in run.paths if len(path.translation_m) >= 3]
    assert len(followed) >= len(sequence.objects) - 1
    assert np.median([x for path in followed for x in path.translation_m]) < 0.01


def test_the_board_hides_one_object_after_the_other_and_the_pushed_one_first(sequence):
    assert sequence.behind_board(0.4, 1.0) is None
    assert sequence.behind_board(0.6, 1.0) == sequence.moving
    assert sequence.behind_board(1.6, 1.0) is None
    others = [sequence.behind_board(0.6 + 1.5 * k, 1.0) for k in range(1, len(sequence.objects) + 1)]
    assert others == [k for k in range(len(sequence.objects)) if k != sequence.moving] + [None]
    assert sequence.behind_board(0.6, 0.0) is None


def test_nothing_is_seen_of_what_the_board_hides_and_its_coming_back_is_noted(sequence):
    backend, absences, owners = create_backend("geometric"), Absences(), {}
    backend.load()
    tracker = SceneTracker(backend)
    for number, instant in enumerate(sequence.play(19, shuffled=True, hidden_s=0.09)):
        if number < 13:  # the board comes after half a second
            continue
        labels = {value: key for key, value in instant.names.items()}
        assert (instant.frame.labels == labels[sequence.moving]).any() == (instant.behind_board is None), number
        objects = tracker.process(instant.frame, T_ref_cam=instant.T_world_cam).objects
        absences.note(instant, objects, dict(owners))
        owners |= {item.object_id: instant.names[item.label] for item in objects if item.label in instant.names}
    assert absences.hidden_frames == 3
    assert absences.claimed == 0
    assert [item.same_id for item in absences.returns] == [True]
    assert told([absences])[0].startswith("1 came back from behind the board, 1 under their id")
    assert told([Absences()]) == []
