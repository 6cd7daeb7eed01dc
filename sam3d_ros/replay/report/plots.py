"""The plots of a report, as SVG that stands in the page and takes its colours from it."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from ..scores.rows import ObjectRow
from ..scores.tracks import TrackRow
from .figures import Figures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIZE_INCHES = (6.0, 3.2)
_TEXT = "#010203"  # stands for the colour of the page's text until the SVG is written
_COLORS = ("#3f7fe0", "#e08a3f", "#4aa564", "#b7598f")  # readable on light and dark
_MOST_BARS = 16


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture with what it shows."""

    caption: str
    svg: Markup


def draw_plots(figures: Figures) -> list[Plot]:
    """Those plots for which there is something to show."""
    scored = [row for row in figures.rows if row.score and np.isfinite(row.score.chamfer_mm)]
    steady = [row for row in figures.tracks if np.isfinite(row.jitter_mm)]
    stages = [stage for stage in figures.latencies if stage.count]
    wanted: list[tuple[str, Callable[[Axes], None], bool]] = [
        (
            "Share of the objects whose Chamfer distance stays below, beside what comes for nothing",
            lambda axes: _draw_chamfer(axes, scored),
            len(scored) > 1,
        ),
        (
            "Chamfer distance by how much of the depth lies on the mesh: whether the own judgement can be trusted",
            lambda axes: _draw_judgement(axes, scored),
            len(scored) > 2,
        ),
        ("Size of the result over the true size", lambda axes: _draw_sizes(axes, scored), len(scored) > 2),
        ("Jitter of followed objects from frame to frame", lambda axes: _draw_jitter(axes, steady), bool(steady)),
        (
            "Latency by stage: median, and the 95th percentile as a line",
            lambda axes: _draw_latency(axes, stages),
            bool(stages),
        ),
        (
            "Rejected masks by reason",
            lambda axes: _bars(axes, [(name, float(count)) for name, count in figures.reasons], "masks"),
            bool(figures.reasons),
        ),
    ]
    return [_plot(caption, draw) for caption, draw, there in wanted if there]


def _plot(caption: str, draw: Callable[[Axes], None]) -> Plot:
    # matplotlib takes a second to import; only a report waits for it.
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "sam3d_ros",  # the same figures give the same file
        "font.family": "sans-serif",
        "font.size": 9,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _TEXT),
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return Plot(caption, _for_page(file.getvalue(), caption))


def _for_page(svg: str, caption: str) -> Markup:
    """The drawing alone, without what a file of its own needs, in the colours of the page."""
    drawing = svg[svg.index("<svg") :].replace(_TEXT, "currentColor")
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'<svg [^>]*viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img">', drawing, count=1)
    # Names of shapes are unique within one drawing only, and a page has several.
    mark = f"plot{zlib.crc32(caption.encode()):x}"
    drawing = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{mark}-", drawing)
    return Markup(drawing.replace("xlink:href", "href"))


def _draw_chamfer(axes: Axes, rows: Sequence[ObjectRow]) -> None:
    methods = {"result": [row.score.chamfer_mm for row in rows if row.score]}
    for name in sorted({name for row in rows for name in row.baselines}):
        methods[name] = [row.baselines[name].chamfer_mm for row in rows if name in row.baselines]
    limit = max(1.0, 1.5 * float(np.quantile(methods["result"], 0.95)))
    for color, (name, values) in zip(_COLORS, methods.items(), strict=False):
        ordered = np.sort([value for value in values if np.isfinite(value)])
        shares = np.arange(1, len(ordered) + 1) / max(1, len(ordered))
        axes.step([0, *ordered, 1e9], [0, *shares, 1], where="post", color=color, label=name)
    axes.set(xlim=(0, limit), ylim=(0, 1), xlabel="Chamfer distance, mm", ylabel="share of objects")
    axes.legend(frameon=False)


def _draw_judgement(axes: Axes, rows: Sequence[ObjectRow]) -> None:
    shares = [row.quality.inlier_ratio for row in rows]
    distances = [row.score.chamfer_mm for row in rows if row.score]
    axes.scatter(shares, distances, s=14, color=_COLORS[0], alpha=0.6, edgecolors="none")
    axes.set(xlabel="share of the depth points on the mesh", ylabel="Chamfer distance, mm")


def _draw_sizes(axes: Axes, rows: Sequence[ObjectRow]) -> None:
    sizes = np.clip([row.score.scale_ratio for row in rows if row.score], 0.5, 1.5)
    axes.hist(sizes, bins=np.linspace(0.5, 1.5, 41).tolist(), color=_COLORS[0])
    axes.axvline(1.0, color=_TEXT, linewidth=0.8)
    axes.set(
        xlabel="diameter of the result over the true one (0.5 and less, 1.5 and more at the ends)", ylabel="objects"
    )


def _draw_jitter(axes: Axes, rows: Sequence[TrackRow]) -> None:
    named = [(f"{row.run} {row.object_id} {row.name}".strip(), row.jitter_mm) for row in rows]
    _bars(axes, sorted(named, key=lambda item: -item[1]), "jitter, mm")


def _draw_latency(axes: Axes, stages: Sequence[Any]) -> None:
    _bars(axes, [(stage.stage, stage.p50_ms) for stage in stages], "milliseconds")
    for row, stage in enumerate(stages[:_MOST_BARS]):
        axes.plot([stage.p50_ms, stage.p95_ms], [row, row], color=_TEXT, linewidth=1)


def _bars(axes: Axes, named: Sequence[tuple[str, float]], unit: str) -> None:
    """Lying bars, the first on top; what does not fit is counted."""
    shown = named[:_MOST_BARS]
    axes.barh(range(len(shown)), [value for _, value in shown], color=_COLORS[0], height=0.7)
    axes.set_yticks(range(len(shown)), [name.replace("$", r"\$") for name, _ in shown])
    axes.invert_yaxis()
    more = len(named) - len(shown)
    axes.set_xlabel(f"{unit} ({more} more not shown)" if more else unit)
