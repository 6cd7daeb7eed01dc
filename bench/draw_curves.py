"""Curves of the training runs, as the model card shows them: the loss of each stage over the samples it saw.

    python bench/draw_curves.py [--runs runs] [--output docs/pictures/curves.webp]

Reads `log.jsonl` and `settings.json` of every stage that is finished. Pale: as it was logged; dark: a running mean over
a twentieth of the run.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sam3d_ros.training.stages.results import is_finished

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "pictures" / "curves.webp"
FOLDERS = ("structure", "pretrain", "geometry", "midtrain", "sft/round-1", "sft/round-2", "dpo", "distill")
FOLDERS += ("latents", "refinement")
_SIZE, _COLUMNS = (420, 260), 3
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 26, 30  # px around a panel
_PALE, _DARK, _GREY = (190, 205, 230), (30, 60, 120), (120, 120, 120)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The loss of a stage."""

    name: str
    samples: NDArray[np.float64]  # [N] seen so far
    loss: NDArray[np.float64]  # [N]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--output", type=Path, default=PICTURE)
    options = parser.parse_args()
    curves = [read_curve(options.runs, name) for name in FOLDERS if is_finished(options.runs / name)]
    if not curves:
        raise SystemExit(f"{options.runs}: no finished stage")
    draw(curves).save(options.output, lossless=True)
    print(f"{options.output}: {', '.join(curve.name for curve in curves)}")


def read_curve(runs: Path, name: str) -> Curve:
    """The logged losses of a stage; a step that was logged twice, before and after a kill, counts as it was at last."""
    batch = json.loads((runs / name / "settings.json").read_text())["run"]["batch"]
    lines = [json.loads(line) for line in (runs / name / "log.jsonl").read_text().splitlines()]
    losses = {line["step"]: line["loss"] for line in lines}
    steps = sorted(losses)
    return Curve(name, batch * np.array(steps, float), np.array([losses[step] for step in steps]))


def draw(curves: list[Curve]) -> Image.Image:
    """All curves, each in a panel of its own."""
    rows = -(-len(curves) // _COLUMNS)
    sheet = Image.new("RGB", (_SIZE[0] * min(_COLUMNS, len(curves)), _SIZE[1] * rows), "white")
    for number, curve in enumerate(curves):
        place = (number % _COLUMNS * _SIZE[0], number // _COLUMNS * _SIZE[1])
        sheet.paste(_panel(curve), place)
    return sheet


def _panel(curve: Curve) -> Image.Image:
    image = Image.new("RGB", _SIZE, "white")
    pen = ImageDraw.Draw(image)
    smooth = running_mean(curve.loss, max(1, len(curve.loss) // 20))
    low, high = np.percentile(curve.loss, [0, 99])
    high = max(high, low + 1e-6)
    right, bottom = _SIZE[0] - _RIGHT, _SIZE[1] - _BOTTOM
    pen.rectangle((_LEFT, _TOP, right, bottom), outline=_GREY)
    pen.text((_LEFT, 8), f"{curve.name}: loss over samples", fill=(0, 0, 0))
    for value, y in ((high, _TOP), ((low + high) / 2, (_TOP + bottom) / 2), (low, bottom)):
        pen.text((4, y - 5), f"{value:.3g}", fill=_GREY)
    for share in (0.0, 0.5, 1.0):
        text = f"{share * curve.samples[-1]:,.0f}"
        pen.text((_LEFT + share * (right - _LEFT) - 6 * len(text) * share, bottom + 6), text, fill=_GREY)
    for values, color, width in ((curve.loss, _PALE, 1), (smooth, _DARK, 2)):
        x = _LEFT + curve.samples / curve.samples[-1] * (right - _LEFT)
        y = bottom - (np.clip(values, low, high) - low) / (high - low) * (bottom - _TOP)
        pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=color, width=width)
    return image


def running_mean(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Means over `width` values around each, fewer at the ends."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - width // 2, 0), np.minimum(index + width // 2 + 1, len(values))
    means: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)
    return means


if __name__ == "__main__":
    main()
