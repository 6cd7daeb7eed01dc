"""Rows of the benchmark on disk, so that a run goes on where it was stopped and methods are added to it later."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from completion_measure import Row

FILE = "rows.jsonl"


class RowStore:
    """Rows by set of scenes, in the order in which they were measured; without a folder they are kept in memory."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / FILE if folder else None
        self._rows: list[tuple[str, Row]] = []
        if self._path and self._path.is_file():
            self._rows = [_read(line) for line in self._path.read_text().splitlines()]

    def add(self, kind: str, rows: Sequence[Row]) -> None:
        """Append the rows of one scene and write them at once."""
        self._rows += [(kind, row) for row in rows]
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a") as file:
                file.write("".join(json.dumps({"set": kind} | asdict(row)) + "\n" for row in rows))

    def measured(self, kind: str, scene: str) -> set[str]:
        """Names of the methods that have answered a scene."""
        return {row.method for found, row in self._rows if found == kind and row.scene == scene}

    def of(self, kind: str, scenes: Collection[str]) -> list[Row]:
        """Rows of some scenes of a set, of the methods that have answered all of them that any method answered."""
        rows = [row for found, row in self._rows if found == kind and row.scene in scenes]
        wanted = {row.scene for row in rows}
        answered = {name: {row.scene for row in rows if row.method == name} for name in {row.method for row in rows}}
        return [row for row in rows if answered[row.method] == wanted]


def _read(line: str) -> tuple[str, Row]:
    content = json.loads(line)
    return content.pop("set"), Row(**content)
