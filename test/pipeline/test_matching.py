"""The matcher against a slow reference that tries every combination."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sam3d_ros.pipeline.matching import StampMatcher


class SlowMatcher:
    """The rule in words, by brute force over lists: nearest members first, spread at most the slop."""

    def __init__(self, inputs, queue_size, slop):
        self.waiting = [[] for _ in range(inputs)]
        self.queue_size = queue_size
        self.slop = slop

    def add(self, index, stamp, item):
        queue = [entry for entry in self.waiting[index] if entry[0] != stamp] + [(stamp, item)]
        self.waiting[index] = sorted(queue, key=lambda entry: entry[0])[-self.queue_size :]
        if (stamp, item) not in self.waiting[index]:
            return None
        others = [[(stamp, item)] if i == index else list(q) for i, q in enumerate(self.waiting)]
        sets = [combo for combo in itertools.product(*others) if self.fits(combo)]
        if not sets:
            return None
        best = min(sets, key=lambda combo: [(abs(entry[0] - stamp), entry[0]) for entry in combo])
        for queue, entry in zip(self.waiting, best, strict=True):
            queue.remove(entry)
        return tuple(entry[1] for entry in best)

    def fits(self, combo):
        stamps = [entry[0] for entry in combo]
        return max(stamps) - min(stamps) <= self.slop


@settings(deadline=None)
@given(
    inputs=st.integers(1, 3),
    queue_size=st.integers(1, 4),
    slop=st.integers(0, 6),
    arrivals=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 25)), max_size=40),
)
def test_matches_equal_those_of_the_slow_reference(inputs, queue_size, slop, arrivals):
    fast, slow = StampMatcher(inputs, queue_size, slop), SlowMatcher(inputs, queue_size, slop)
    for number, (index, stamp) in enumerate(arrivals):
        item = (index % inputs, stamp, number)
        assert fast.add(index % inputs, stamp, item) == slow.add(index % inputs, stamp, item)
        assert fast.waiting() == [len(queue) for queue in slow.waiting]


@settings(deadline=None)
@given(
    queue_size=st.integers(1, 5),
    slop=st.integers(0, 10),
    arrivals=st.lists(st.tuples(st.integers(0, 2), st.integers(-50, 50)), max_size=60),
)
def test_nothing_is_lost_uncounted_and_queues_stay_bounded(queue_size, slop, arrivals):
    matcher = StampMatcher(3, queue_size, slop)
    seen = []
    for number, (index, stamp) in enumerate(arrivals):
        matched = matcher.add(index, stamp, (stamp, number))
        assert max(matcher.waiting()) <= queue_size
        if matched:
            stamps = [entry[0] for entry in matched]
            assert max(stamps) - min(stamps) <= slop
            seen += matched
    assert len(seen) == len(set(seen))
    counts = matcher.counts
    for index in range(3):
        assert counts.received[index] == counts.matched + counts.dropped[index] + matcher.waiting()[index]


def test_two_publishers_of_one_topic_do_not_break_the_sets():
    matcher = StampMatcher(2, 10, 5)
    sets = []
    for tick in range(0, 300, 30):
        sets += [matcher.add(0, tick, f"image a {tick}"), matcher.add(0, tick + 14, f"image b {tick}")]
        sets += [matcher.add(1, tick + 2, f"depth a {tick}"), matcher.add(1, tick + 16, f"depth b {tick}")]
    matched = [pair for pair in sets if pair]
    assert len(matched) == 20
    assert all(image[6:] == depth[6:] for image, depth in matched)


def test_a_late_message_still_finds_its_set():
    matcher = StampMatcher(2, 5, 0)
    assert [matcher.add(0, stamp, stamp) for stamp in (1, 2, 3)] == [None] * 3
    assert matcher.add(1, 3, "c") == (3, "c")
    assert matcher.add(1, 1, "a") == (1, "a")


def test_an_item_older_than_a_full_queue_is_dropped_and_does_not_match():
    matcher = StampMatcher(2, 2, 100)
    matcher.add(0, 50, "x")
    matcher.add(0, 60, "y")
    assert matcher.add(0, 10, "old") is None
    assert matcher.counts.dropped == [1, 0]
    assert matcher.add(1, 11, "partner") == ("x", "partner")


def test_clear_forgets_what_waits_and_keeps_the_counts():
    matcher = StampMatcher(2, 5, 10)
    matcher.add(0, 1_000_000, "before the jump")
    matcher.clear()
    assert matcher.add(1, 1_000_001, "after") is None
    assert matcher.counts.received == [1, 1]


def test_the_hit_rate_counts_against_the_busiest_input():
    matcher = StampMatcher(2, 5, 0)
    assert matcher.counts.hit_rate == 1.0
    for stamp in range(4):
        matcher.add(0, stamp, None)
    matcher.add(1, 3, None)
    assert matcher.counts.hit_rate == pytest.approx(0.25)


@pytest.mark.parametrize("arguments", [(0, 1, 1), (1, 0, 1), (1, 1, -1)])
def test_senseless_sizes_are_refused(arguments):
    with pytest.raises(ValueError, match="need inputs and queue_size"):
        StampMatcher(*arguments)
