"""A batch in a mirror is the same scene with left and right exchanged."""

from __future__ import annotations

import torch
from training_shapes import Shapes, Views

from sam3d_ros.training.stages.mirror import MIRROR, mirrored


def batch():
    views = Views(Shapes(2))
    return torch.utils.data.default_collate([views[k] for k in range(2)])


def chosen(*flags):
    return {MIRROR: torch.tensor(flags)}


def test_only_what_was_chosen_is_flipped_and_twice_is_not_at_all():
    plain = batch()
    once = mirrored(plain | chosen(True, False))
    assert torch.equal(once["image"][0], plain["image"][0].flip(2))
    assert torch.equal(once["observed"][0], plain["observed"][0].flip(0))
    twice = mirrored(once | chosen(True, False))
    for name in plain.keys() - {"layout_known"}:
        torch.testing.assert_close(twice[name], plain[name], equal_nan=True)
        torch.testing.assert_close(once[name][1], plain[name][1], equal_nan=True)


def test_points_move_to_the_other_side_with_their_pixels():
    plain = batch()
    flipped = mirrored(plain | chosen(True, True))["pointmap"]
    torch.testing.assert_close(flipped[:, 0], -plain["pointmap"][:, 0].flip(2), equal_nan=True)
    torch.testing.assert_close(flipped[:, 1:], plain["pointmap"][:, 1:].flip(3), equal_nan=True)


def test_the_layout_of_a_mirrored_object_is_unknown():
    assert mirrored(batch() | chosen(True, False))["layout_known"].tolist() == [0.0, 1.0]


def test_without_a_choice_nothing_changes():
    plain = batch()
    assert mirrored(plain).keys() == plain.keys()
    assert MIRROR not in mirrored(plain | chosen(False, False))
