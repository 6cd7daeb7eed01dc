"""The page at work: a thread draws what the timeline says while frames come in."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

from .layers import Layers
from .panel import Panel
from .server import page_address, serve
from .shown import ShownFrame
from .stage import Stage
from .timeline import Timeline

_PERIOD_S = 0.03


class Viewer:
    """Made by `open_viewer`. `put` and `say` may be called from any thread, while this draws in its own."""

    def __init__(self, server: Any, timeline: Timeline, source: str) -> None:
        self.address = page_address(server)
        self.timeline = timeline
        self.failure: Exception | None = None  # why drawing ended, where it did by itself
        self._panel = Panel(server, timeline, source)
        self._stage = Stage(server)
        self._said: tuple[str, ...] = ()
        self._drawn: tuple[ShownFrame, Layers] | None = None
        self._count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._draw_until_stopped, name="viewer", daemon=True)
        self._thread.start()

    def put(self, frame: ShownFrame) -> None:
        """Add a frame to the timeline."""
        self.timeline.put(frame)

    def say(self, *lines: str) -> None:
        """Show these lines in the panel, and print those that are new."""
        for line in lines:
            if line not in self._said:
                print(line, flush=True)
        if lines != self._said:
            self._said = lines
            self._drawn = None

    def check(self) -> None:
        """Raise what ended the drawing, where something did."""
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _draw_until_stopped(self) -> None:
        try:
            while not self._stop.wait(_PERIOD_S):
                self._draw()
        except Exception as error:  # noqa: BLE001 - the thread's border: who waits for the viewer raises it
            self.failure = error

    def _draw(self) -> None:
        self.timeline.advance(time.monotonic())
        frame, layers = self.timeline.current, self._panel.layers
        self._panel.follow_timeline()
        self._stage.settle()
        if frame is None:
            self._panel.say(self._said)
            return
        if self._drawn == (frame, layers) and self._count == len(self.timeline):
            return
        self._drawn, self._count = (frame, layers), len(self.timeline)
        self._panel.say((*self._said, *frame.notices))
        self._panel.show(frame)
        self._stage.show(frame, layers)


@contextlib.contextmanager
def open_viewer(host: str, port: int, timeline: Timeline, source: str) -> Iterator[Viewer]:
    """Serve the page while the `with` statement runs; raises ViewerError where that is impossible."""
    with serve(host, port) as server:
        viewer = Viewer(server, timeline, source)
        try:
            yield viewer
        finally:
            viewer.close()


def show_for(viewer: Viewer, deadline: float) -> None:
    """Wait until `deadline` of time.monotonic(); raises what ended the drawing."""
    while (left := deadline - time.monotonic()) > 0:
        viewer.check()
        time.sleep(min(left, 0.1))
