"""The panel beside the scene: what is going on, the timeline, what to show, figures, objects, rejected masks."""

from __future__ import annotations

import html
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .layers import Layers, Surface
from .shown import ShownFrame
from .timeline import Timeline
from .words import frame_figures, object_table, rejection_table

_PLAY, _PAUSE = "Play", "Pause"
_BACK, _ON = "◀", "▶"
_CHECKBOXES = {
    "labels": "Labels",
    "axes": "Axes, TF names",
    "boxes": "Boxes",
    "cloud": "Scene points",
    "object_points": "… of objects too",
    "camera": "Camera",
    "unseen": "Unseen objects",
}
_NO_SPLATS = "No Gaussians here: messages do not carry them, and a model makes them only with --gaussians 4 or 32."


class Panel:
    """The controls. Callbacks only note what was asked for; whoever draws looks at `layers` and the timeline."""

    def __init__(self, server: Any, timeline: Timeline, source: str) -> None:
        self._server = server
        self._timeline = timeline
        self._lock = threading.Lock()
        self.layers = Layers()
        gui = server.gui
        self._source = gui.add_markdown(f"**{html.escape(source)}**")
        self._status = gui.add_markdown("")
        with gui.add_folder("Timeline"):
            self._add_timeline(gui)
        with gui.add_folder("Show"):
            self._add_layers(gui)
        with gui.add_folder("Frame"):
            self._figures = gui.add_markdown("*none yet*")
        with gui.add_folder("Rejected masks"):
            self._rejections = gui.add_markdown("*none*")
        with gui.add_folder("Objects"):
            self._objects = gui.add_markdown("*none*")

    def show(self, frame: ShownFrame) -> None:
        """Figures and tables of a frame."""
        self._figures.content = frame_figures(frame, self._timeline.position, len(self._timeline))
        self._objects.content = object_table(frame)
        self._rejections.content = rejection_table(frame.update.rejections)
        has_splats = any(item.gaussians is not None for item in frame.update.objects)
        self._splat_hint.visible = self.layers.surface is Surface.SPLATS and not has_splats

    def say(self, lines: Sequence[str]) -> None:
        """What the user should know now, one line each; none where all is well."""
        self._status.content = "\n".join(f"- {html.escape(line)}" for line in lines)

    def follow_timeline(self) -> None:
        """Let slider and button say what the timeline does."""
        count = len(self._timeline)
        if self._slider.max != max(2, count):
            self._slider.max = max(2, count)
        if self._slider.disabled != (count < 2):
            self._slider.disabled = count < 2
        self._slider.value = min(self._timeline.position, max(0, count - 1)) + 1
        label = _PAUSE if self._timeline.playing else _PLAY
        if self._play.label != label:
            self._play.label = label

    def _add_timeline(self, gui: Any) -> None:
        self._slider = gui.add_slider("Frame", min=1, max=2, step=1, initial_value=1, disabled=True)
        self._play = gui.add_button(_PAUSE, hint="key: space")
        steps = gui.add_button_group("Step", (_BACK, _ON), hint="keys: B back, N next")

        self._slider.on_update(self._slide)
        self._play.on_click(lambda _: self._toggle())
        steps.on_click(lambda _: self._timeline.step(-1 if steps.value == _BACK else 1))
        gui.add_command("Play or pause", hotkey="space").on_trigger(lambda _: self._toggle())
        gui.add_command("Next frame", hotkey="N").on_trigger(lambda _: self._timeline.step(1))
        gui.add_command("Frame before", hotkey="B").on_trigger(lambda _: self._timeline.step(-1))

    def _slide(self, event: Any) -> None:
        if event.client is not None:  # else it is the timeline that moves the slider
            self._timeline.go(int(self._slider.value) - 1)

    def _toggle(self) -> None:
        if self._timeline.playing:
            self._timeline.pause()
        else:
            self._timeline.play()

    def _add_layers(self, gui: Any) -> None:
        surface = gui.add_dropdown("Objects as", [item.value for item in Surface], initial_value=Surface.MESHES.value)
        surface.on_update(lambda _: self._choose(surface=Surface(surface.value)))
        self._splat_hint = gui.add_markdown(_NO_SPLATS)
        self._splat_hint.visible = False
        for name, label in _CHECKBOXES.items():
            self._add_checkbox(gui, name, label)

    def _add_checkbox(self, gui: Any, name: str, label: str) -> None:
        box = gui.add_checkbox(label, initial_value=getattr(self.layers, name))
        box.on_update(lambda _: self._choose(**{name: bool(box.value)}))

    def _choose(self, **change: Any) -> None:
        with self._lock:
            self.layers = replace(self.layers, **change)
