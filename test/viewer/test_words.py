"""Labels and tables: what is said of objects, frames and rejected masks."""

from __future__ import annotations

from dataclasses import replace

from sam3d_ros.pipeline import Detection, Quality, Rejection, RejectionReason
from sam3d_ros.tracking import ObjectState
from sam3d_ros.viewer.words import frame_figures, object_label, object_table, rejection_table


def test_a_label_names_class_id_and_score(thing):
    assert object_label(thing) == "mug 3 · 0.72"


def test_a_label_marks_what_is_not_complete_and_leaves_out_what_is_unknown(thing):
    coarse = replace(thing, state=ObjectState.COARSE, detection=None, quality=Quality())
    assert object_label(coarse) == "object 3 · coarse"
    assert object_label(replace(thing, state=ObjectState.UNSEEN)).endswith("· unseen")


def test_figures_of_a_frame(shown, thing):
    rejection = Rejection(7, RejectionReason.MASK_TOO_SMALL, "12 pixels")
    frame = replace(shown(thing, stamp_ns=1_500_000_000, rejections=(rejection,)), latency_ms=81.6)
    text = frame_figures(frame, 4, 9)
    for words in ("5 of 9", "1.500 s", "map", "1, 1 seen", "complete", "82 ms"):
        assert words in text
    assert "| rejected | 1 |" in text


def test_the_tables_of_objects_and_of_rejected_masks(shown, thing):
    assert "| object\\_3 | mug | complete | 0.72 | 40 |" in object_table(shown(thing))
    assert object_table(shown()) == "*none*"
    rejection = Rejection(7, RejectionReason.MASK_TOO_SMALL, "12 pixels, needs 100")
    assert "| 7 | mask\\_too\\_small: 12 pixels, needs 100 |" in rejection_table([rejection])
    assert rejection_table([]) == "*none*"


def test_names_of_others_cannot_break_a_table_or_bring_markup(shown, thing):
    evil = replace(thing, detection=Detection("a|b<script>{x}\n| c", 1.0))
    lines = object_table(shown(evil)).splitlines()
    assert len(lines) == 3
    assert lines[2].count("|") == lines[0].count("|")
    assert "<" not in lines[2]
    assert "{" not in lines[2]
