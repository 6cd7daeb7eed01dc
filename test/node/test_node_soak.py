"""Two thousand frames: nothing leaks, nothing is forgotten."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

pytest.importorskip("rclpy")

from sam3d_ros.node.statistics import resident_memory_mib

pytestmark = [pytest.mark.ros, pytest.mark.slow]

FRAMES, WARM_UP = 2000, 400


def workers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "sam3d_worker"}


def test_two_thousand_frames_leave_the_memory_where_it_was(make_rig, messages):
    # Models that hang on purpose in other tests may still be on their way out.
    left_by_others = workers()
    rig = make_rig(max_age=1.0, sync_queue_size=10).up()
    pictures = [messages.Picture({3: (10 + i, 10 + i), 7: (10, 100)}, size=16) for i in range(40)]
    # Labels come and go, so that objects are made and removed all the time.
    pictures += [messages.Picture({100 + i: (60, 20 + i)}, size=16) for i in range(10)]
    before, answered = 0.0, 0
    for number in range(FRAMES):
        stamp = round(10 + number / 20, 3)
        _, rejections = rig.exchange(stamp, pictures[number % len(pictures)])
        answered += not rejections
        for received in rig.received.values():
            received.clear()
        if number == WARM_UP:
            gc.collect()
            before = resident_memory_mib()
    gc.collect()
    growth = resident_memory_mib() / before - 1
    assert answered == FRAMES
    assert growth < 0.05, f"{before:.0f} MiB after {WARM_UP} frames, {growth:.1%} more after {FRAMES}"
    assert len(workers() - left_by_others) == 1
    assert rig.node.statistics.counts("frames")["processed"] == FRAMES
    assert np.isfinite(rig.node.inputs.hit_rate)
