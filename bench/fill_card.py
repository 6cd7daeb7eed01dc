"""Writes measured tables into the model card, between `<!-- begin NAME -->` and `<!-- end NAME -->`.

    python bench/fill_card.py figures=runs/bench/ship/results.json stages=runs/bench/stages/results.json \
        real=runs/bench/real/results.json

`figures` fills `figures`, `classes`, `times`, `stray` and `ratios` from one run of bench_completion.py, `stages` the
table of that name from another, `real` its own from real_frames.py. A table that no file is named for stays as it is.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from completion_measure import FIGURES
from completion_tables import class_table, main_table, ratio_table, time_table

CARD = Path(__file__).resolve().parents[1] / "docs" / "model-card.md"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", metavar="KIND=FILE", help="KIND is figures, stages or real")
    parser.add_argument("--card", type=Path, default=CARD)
    options = parser.parse_args(arguments)
    text = options.card.read_text()
    for item in options.results:
        kind, _, path = item.partition("=")
        if kind not in TABLES:
            parser.error(f"no tables are called {kind!r}; there are {', '.join(TABLES)}")
        text = filled(text, TABLES[kind](json.loads(Path(path).read_text())))
    options.card.write_text(text)


def filled(text: str, tables: Mapping[str, str]) -> str:
    """The text with each table between its marks; raises SystemExit where the marks are missing."""
    for name, table in tables.items():
        marks = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not marks.search(text):
            raise SystemExit(f"the card has no place for {name!r}: <!-- begin {name} --> and <!-- end {name} -->")
        text = marks.sub(lambda found, table=table: f"{found[1]}\n{table}\n{found[2]}", text)
    return text


def _figures(content: dict[str, Any]) -> dict[str, str]:
    ordinary = content["sets"]["ordinary"]
    table = ordinary["methods"]
    shown = ("chamfer_mm", "f_5mm", "hidden_10mm", "iou")
    classes = [f"{f.title}:\n\n{class_table(table, f)}" for f in FIGURES if f.key in shown]
    tables = {
        "figures": _headed(table, main_table(table)),
        "times": time_table(table),
        "classes": "\n".join(classes),
    }
    if "stray" in content["sets"]:
        tables["stray"] = main_table(content["sets"]["stray"]["methods"])
    if ordinary["ratios"]:
        tables["ratios"] = "\n".join(ratio_table(pair, shares) for pair, shares in ordinary["ratios"].items())
    return tables


def _stages(content: dict[str, Any]) -> dict[str, str]:
    table = content["sets"]["ordinary"]["methods"]
    return {"stages": _headed(table, main_table(table))}


def _real(content: dict[str, Any]) -> dict[str, str]:
    parts = []
    for pixels, part in content.items():
        rejected = [entry for entry in part["objects"] if entry["rejected"]]
        closed = sum(bool(entry["closed"]) for entry in part["objects"])
        parts.append(
            f"Masks {'as they are' if pixels == '0' else f'larger by {pixels} px'}: {len(part['objects'])} masks, "
            f"{closed} closed meshes, {len(rejected)} rejected. The two instances with a truth:\n\n"
            + main_table(part["methods"])
        )
    return {"real": "\n".join(parts)}


def _headed(table: list[dict[str, Any]], text: str) -> str:
    scenes, objects = (max(entry[key] for entry in table) for key in ("scenes", "objects"))
    return f"{scenes} scenes, {objects} objects.\n\n{text}"


TABLES = {"figures": _figures, "stages": _stages, "real": _real}


if __name__ == "__main__":
    main()
