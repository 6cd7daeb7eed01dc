"""The timeline: what is shown when, and what buttons do to it."""

from __future__ import annotations

import pytest

from sam3d_ros.viewer.timeline import Pace, Timeline

SECOND = 10**9


@pytest.fixture
def filled(shown):
    def make(pace, *seconds, capacity=100):
        timeline = Timeline(capacity, pace)
        for second in seconds:
            timeline.put(shown(stamp_ns=round(second * SECOND)))
        return timeline

    return make


def test_a_recording_plays_as_fast_as_it_was_recorded(filled):
    timeline = filled(Pace.RECORDED, 10.0, 10.2, 10.3)
    positions = []
    for tick in range(60):
        timeline.advance(100.0 + tick * 0.01)
        positions.append(timeline.position)
    # Due at once, for nothing was shown before; then after the 0.1 s between the stamps.
    assert positions[:10] == [1] * 10
    assert positions[12:] == [2] * 48


def test_long_gaps_are_shortened_to_a_second(filled):
    timeline = filled(Pace.RECORDED, 0.0, 1.0, 500.0)
    timeline.advance(10.0)
    timeline.advance(10.9)
    assert timeline.position == 1
    timeline.advance(11.0)
    assert timeline.position == 2


def test_playing_ends_with_a_complete_recording_and_starts_over(filled):
    timeline = filled(Pace.RECORDED, 0.0, 0.1)
    timeline.advance(1.0)
    timeline.advance(2.0)
    assert timeline.playing  # more may come
    timeline.complete()
    timeline.advance(3.0)
    assert not timeline.playing
    timeline.play()
    assert (timeline.position, timeline.playing) == (0, True)


def test_more_of_the_same_moment_takes_the_place_of_the_last_frame(filled, shown, thing):
    timeline = filled(Pace.RECORDED, 0.0, 1.0)
    timeline.go(1)
    fuller = shown(thing, stamp_ns=SECOND)
    timeline.put(fuller)
    assert len(timeline) == 2
    assert timeline.current is fuller


def test_live_shows_the_newest_until_somebody_pauses(filled, shown):
    timeline = filled(Pace.NEWEST, 0.0, 1.0, 2.0)
    assert timeline.position == 2
    timeline.step(-1)
    timeline.put(shown(stamp_ns=3 * SECOND))
    timeline.advance(100.0)
    assert (timeline.position, timeline.playing) == (1, False)
    timeline.play()
    timeline.advance(101.0)
    assert timeline.position == 3


def test_the_oldest_frames_go_and_the_present_one_stays_the_same(filled, shown):
    timeline = filled(Pace.NEWEST, 0.0, 1.0, 2.0, capacity=3)
    timeline.go(1)
    present = timeline.current
    timeline.put(shown(stamp_ns=3 * SECOND))
    assert len(timeline) == 3
    assert timeline.current is present


@pytest.mark.parametrize(("asked", "got"), [(-5, 0), (1, 1), (99, 2)])
def test_positions_beyond_the_ends_are_the_ends(filled, asked, got):
    timeline = filled(Pace.RECORDED, 0.0, 1.0, 2.0)
    timeline.go(asked)
    assert timeline.position == got


def test_an_empty_timeline_shows_nothing_and_takes_every_button():
    timeline = Timeline(10, Pace.RECORDED)
    timeline.step(1)
    timeline.play()
    timeline.advance(1.0)
    assert timeline.current is None
