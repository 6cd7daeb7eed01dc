"""Time of an object where other programs want the cores: short waits of torch's threads against its usual ones.

    python bench/bench_busy_cores.py --rounds 15

The objects of a synthetic frame through the shipped weights, warm: beside nothing, and beside as many programs with a
busy thread as there are cores. Prints medians, the worst, and the ratio usual / short.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from sam3d_ros.waiting_threads import wait_briefly

WAITS = ("usual waits", "short waits")  # as OpenMP does by itself, and as the node does
_SAID = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
_SPIN = "while True: pass"


def main() -> None:
    """Measure, or be the process that is measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split(":")[0])
    parser.add_argument("--rounds", type=int, default=15, help="times that each object is completed")
    parser.add_argument("--measured", choices=WAITS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measured:
        if options.measured == "short waits":
            wait_briefly()
        print(json.dumps(_times(options.rounds)))
        return
    for beside, programs in (("free cores", 0), ("busy cores", os.cpu_count() or 1)):
        found = {name: _measured(options.rounds, name, programs) for name in WAITS}
        for name, times in found.items():
            print(f"{beside}, {name}: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms")
        medians = [statistics.median(times) for times in found.values()]
        print(f"{beside}, usual / short: {medians[0] / medians[1]:.2f}", flush=True)


def _measured(rounds: int, wait: str, programs: int) -> list[float]:
    """Milliseconds of each object in a fresh process beside so many busy ones."""
    with _busy(programs):
        command = [sys.executable, __file__, "--measured", wait, "--rounds", str(rounds)]
        own = {name: value for name, value in os.environ.items() if name not in _SAID}
        answer = subprocess.run(command, env=own, check=True, capture_output=True, text=True)
    times: list[float] = json.loads(answer.stdout.splitlines()[-1])
    return times


@contextlib.contextmanager
def _busy(programs: int) -> Iterator[None]:
    running = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(programs)]
    try:
        yield
    finally:
        for program in running:
            program.kill()
            program.wait()


def _times(rounds: int) -> list[float]:
    from sam3d_ros.pipeline import CancelToken, Detail
    from sam3d_ros.pipeline.backends import DEFAULT, create_backend
    from sam3d_ros.training.synthetic.sequence import SequenceConfig, film

    frame = next(film(SequenceConfig(frames=1))).frame
    backend = create_backend(DEFAULT)
    backend.load()
    prepared = backend.prepare(frame)
    labels = sorted(set(frame.labels.flatten().tolist()) - {0})
    times = []
    for number in range(rounds + 1):
        for label in labels:
            start = time.monotonic()
            backend.reconstruct(prepared, label, detail=Detail.FULL, progress=lambda _: None, cancel=CancelToken())
            if number > 0:  # the first is not warm
                times.append(1e3 * (time.monotonic() - start))
    return times


if __name__ == "__main__":
    main()
