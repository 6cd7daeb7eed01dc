"""The panel: its controls steer timeline and layers, its texts say what a frame holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sam3d_ros.viewer.layers import Layers
from sam3d_ros.viewer.panel import Panel
from sam3d_ros.viewer.timeline import Pace, Timeline


@pytest.fixture
def timeline(shown, thing):
    timeline = Timeline(10, Pace.RECORDED)
    for stamp_ns in (1, 2, 3):
        timeline.put(shown(thing, stamp_ns=stamp_ns))
    return timeline


@pytest.fixture
def panel(server, timeline):
    return Panel(server, timeline, "a <bag>")


@pytest.fixture
def elements(panel, server):
    """Controls and texts of the page by what they show."""
    return list(server.gui._gui_input_handle_from_uuid.values())


def _labelled(elements, label):
    return next(item for item in elements if getattr(item, "label", None) == label)


def test_slider_and_button_follow_the_timeline(panel, elements, timeline):
    timeline.go(2)
    panel.follow_timeline()
    slider = _labelled(elements, "Frame")
    assert (slider.value, slider.max, slider.disabled) == (3, 3, False)
    assert _labelled(elements, "Play")
    timeline.play()
    panel.follow_timeline()
    assert _labelled(elements, "Pause")


def test_a_checkbox_changes_its_layer_and_no_other(panel, elements):
    assert panel.layers == Layers()
    box = _labelled(elements, "Boxes")
    for callback in box._impl.update_cb:
        box._impl.value = True
        callback(None)
    assert panel.layers == replace(Layers(), boxes=True)


def test_what_is_said_is_text_and_no_markup(panel):
    panel.say(["no message on /sam3d/objects yet", "a <b>"])
    assert panel._status.content == "- no message on /sam3d/objects yet\n- a &lt;b&gt;"
    panel.say([])
    assert panel._status.content == ""
