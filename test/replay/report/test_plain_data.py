"""Dataclasses survive the way through JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from sam3d_ros.replay.report.plain_data import from_plain, to_plain


@dataclass(frozen=True)
class Inner:
    number: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class Outer:
    pair: tuple[int, float]
    parts: tuple[Inner, ...]
    by_name: Mapping[str, Inner]
    perhaps: Inner | None
    flag: bool


OUTER = Outer((3, 0.5), (Inner(1.0, ("a", "b")), Inner(2.5, ())), {"x": Inner(-1.0, ("c",))}, None, True)


def test_what_was_written_is_read():
    assert from_plain(Outer, json.loads(json.dumps(to_plain(OUTER)))) == OUTER
    some = Outer((3, 1.0), (), {}, Inner(4.0, ()), False)
    assert from_plain(Outer, json.loads(json.dumps(to_plain(some)))) == some


def test_what_was_not_measured_is_null_and_nan():
    plain = to_plain(Inner(float("nan"), ()))
    assert plain == {"number": None, "words": []}
    assert math.isnan(from_plain(Inner, plain).number)


@pytest.mark.parametrize(
    ("change", "error"),
    [({"flag": 1}, TypeError), ({"pair": [1]}, ValueError), ({"parts": [{"number": 1}]}, KeyError)],
)
def test_other_data_is_refused(change, error):
    with pytest.raises(error):
        from_plain(Outer, to_plain(OUTER) | change)
