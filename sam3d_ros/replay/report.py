"""A report that opens from disk without network: pictures, figures, reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .results import FrameRecord

SummaryValue = str | int | float


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How much a report shows. Frames are picked evenly; the first and the last are always among them."""

    picture_frames: int = 24  # at most so many frames get pictures; all get rows
    measured_frames: int = 200  # at most so many frames are compared with the truth


def write_report(
    output: Path,
    records: Sequence[FrameRecord],
    *,
    title: str,
    summary: Mapping[str, SummaryValue],
    options: ReportOptions | None = None,
) -> Path:
    """Write `report.html`, `report.json` and `pictures/` into a folder; the path of the page.

    `summary` becomes the cards at the top, in its order, before those that are worked out from the records.
    """
    raise NotImplementedError
