"""The plots of a report: there where there is something to show, parts of one page, the same for the same figures."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from xml.etree import ElementTree

import pytest

from sam3d_ros.pipeline import Quality
from sam3d_ros.replay.report.figures import Figures
from sam3d_ros.replay.report.part import Flow, Part
from sam3d_ros.replay.report.plots import draw_plots
from sam3d_ros.replay.scores.rows import ObjectRow, RejectedRow
from sam3d_ros.replay.scores.shape_score import ShapeScore
from sam3d_ros.replay.scores.tracks import TrackRow


def score(chamfer_mm):
    return ShapeScore(**dict.fromkeys((item.name for item in fields(ShapeScore)), 1.0) | {"chamfer_mm": chamfer_mm})


def row(label, chamfer_mm):
    known = score(chamfer_mm) if chamfer_mm else None
    baselines = {"convex hull": score(3 * chamfer_mm)} if chamfer_mm else {}
    quality = Quality(0.001, 0.9, 0.8, 0.0, 100)
    return ObjectRow("bag", "f", label, label, "cup", "cup", quality, (0.1, 0.1, 0.1), 10, {}, known, None, baselines)


def track(name):
    return TrackRow("bag", 1, name, "cup", 5, 0, 1, 0, 0.5, *[math.nan] * 5)


def part(rows=(), rejected=(), latency_ms=None, tracks=()):
    return Part("bag", 5, 1, 1, True, tuple(rows), tuple(rejected), latency_ms or {}, tuple(tracks), Flow(), (), ())


FULL = Figures(
    (
        part(
            [row(label, 0.5 + label) for label in range(5)],
            [RejectedRow("bag", "f", 9, "", "timeout", "late")],
            {"frame: follow": (4.0, 5.0)},
            [track("a $cheap$ <cup> & co")],
        ),
    )
)


def ids_of(svg):
    return re.findall(r'id="([^"]+)"', svg)


def test_every_plot_is_there_and_well_formed():
    plots = draw_plots(FULL)
    assert len(plots) == 6
    for plot in plots:
        root = ElementTree.fromstring(str(plot.svg))
        assert root.tag == "svg"
        assert "//" not in plot.svg  # nothing from the network
        assert "currentColor" in plot.svg


def test_names_of_shapes_do_not_meet_on_one_page_and_lead_somewhere():
    plots = draw_plots(FULL)
    names = [name for plot in plots for name in set(ids_of(plot.svg))]
    assert len(names) == len(set(names))
    for plot in plots:
        used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', plot.svg))
        assert used <= set(ids_of(plot.svg))
        assert used


def test_names_from_outside_are_text():
    (jitter,) = [plot for plot in draw_plots(FULL) if plot.caption.startswith("Jitter")]
    texts = "".join(ElementTree.fromstring(str(jitter.svg)).itertext())
    assert "bag 1 a $cheap$ <cup> & co" in texts


def test_the_same_figures_give_the_same_plots():
    assert [plot.svg for plot in draw_plots(FULL)] == [plot.svg for plot in draw_plots(FULL)]


@pytest.mark.parametrize(
    ("figures", "captions"),
    [
        (Figures(()), []),
        (Figures((part([row(1, None), row(2, None)]),)), []),
        (Figures((part(latency_ms={"frame: follow": (1.0,)}),)), ["Latency"]),
        (Figures((part(rejected=[RejectedRow("b", "f", 1, "", "timeout", "")]),)), ["Rejected"]),
    ],
)
def test_what_is_not_known_is_not_drawn(figures, captions):
    assert [plot.caption.split()[0] for plot in draw_plots(figures)] == captions


def test_more_bars_than_fit_are_counted():
    many = Figures((part(tracks=[track(f"cup {number}") for number in range(20)]),))
    (jitter,) = draw_plots(many)
    assert "4 more not shown" in jitter.svg
