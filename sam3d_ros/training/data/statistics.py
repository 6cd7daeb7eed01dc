"""What a folder of views holds, by family."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .shards import Shard
from .store import ObjectStore
from .views import SPOILT, VISIBLE

LOOKED_AT = 64  # views of each shard whose pictures are opened


@dataclass(frozen=True, slots=True)
class FamilyFigures:
    """One line of the table."""

    family: str
    objects: int
    views: int
    size_cm: tuple[float, float]  # least and greatest largest extent of the objects
    visible: float  # mean share that nothing hides
    depth: float  # mean share of the spoilt mask with depth; NaN where no picture was opened
    overlap: float  # mean intersection over union of the spoilt and the true mask


def family_figures(store: ObjectStore, views: Path) -> list[FamilyFigures]:
    """A line for each family that has objects, sorted by name."""
    seen: dict[str, list[float]] = {}
    pictures: dict[str, list[tuple[float, float]]] = {}
    for path in sorted(views.glob("*.npz")):
        shard = Shard(path)
        families = [store.records[str(name)].family for name in shard.column("object_id")]
        for family, visible in zip(families, shard.column("visible"), strict=True):
            seen.setdefault(family, []).append(float(visible))
        for index in range(0, len(shard), max(1, len(shard) // LOOKED_AT)):
            pictures.setdefault(families[index], []).append(_picture_figures(shard, index))
    return [_line(store, family, seen, pictures) for family in sorted({r.family for r in store.records.values()})]


def _picture_figures(shard: Shard, index: int) -> tuple[float, float]:
    view = shard[index]
    spoilt, visible = (view.masks & SPOILT) > 0, (view.masks & VISIBLE) > 0
    depth = float((view.depth_mm[spoilt] > 0).mean()) if spoilt.any() else 0.0
    return depth, float((spoilt & visible).sum() / max((spoilt | visible).sum(), 1))


def _line(
    store: ObjectStore, family: str, seen: dict[str, list[float]], pictures: dict[str, list[tuple[float, float]]]
) -> FamilyFigures:
    sizes = [100 * max(r.extents) for r in store.records.values() if r.family == family]
    depth, overlap = np.mean(pictures.get(family, [(np.nan, np.nan)]), axis=0)
    shares = seen.get(family, [])
    mean = float(np.mean(shares)) if shares else float("nan")
    return FamilyFigures(family, len(sizes), len(shares), (min(sizes), max(sizes)), mean, float(depth), float(overlap))


def table(figures: list[FamilyFigures]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| family | objects | views | size cm | visible | depth in mask | mask IoU |",
        "|---|---|---|---|---|---|---|",
    ]
    for f in figures:
        size = f"{f.size_cm[0]:.0f}-{f.size_cm[1]:.0f}"
        numbers = " | ".join(f"{number:.2f}" for number in (f.visible, f.depth, f.overlap))
        lines.append(f"| {f.family} | {f.objects} | {f.views} | {size} | {numbers} |")
    return "\n".join(lines) + "\n"
