"""The command that makes training data: objects, then views of them, then a table and pictures to look at."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .arranging import SceneKind
from .families import FAMILIES
from .reading import ViewReader
from .rendering import ViewJob, render_views
from .shards import PER_SHARD
from .sheet import object_sheet, view_sheet
from .statistics import family_figures, table
from .store import Failure, ObjectStore, build_objects, procedural_jobs, scan_jobs

SCANS = Path("../shared/data/objects_train")


def parser() -> argparse.ArgumentParser:
    """Arguments of the command."""
    p = argparse.ArgumentParser(prog="sam3d-ros train data", description=__doc__)
    p.add_argument("--objects", type=int, default=2000, help="procedural objects, spread over all families")
    p.add_argument("--views", type=int, default=40_000, help=f"training views, in files of {PER_SHARD}")
    p.add_argument("--val-views", type=int, default=1024, help="views of families and seeds that training never sees")
    p.add_argument("--seed", type=int, default=0, help="first seed of the objects, and the seed of the scenes")
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--output", type=Path, default=Path("runs/data"))
    p.add_argument("--scans", type=Path, default=SCANS, help="folder of scanned meshes; absent: procedural only")
    p.add_argument("--scan-share", type=float, default=0.4, help="share of scanned objects in scenes")
    p.add_argument("--quiet", action="store_true", help="no progress bars")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Makes what is missing; the same arguments always make the same files. Returns the exit status."""
    options = parser().parse_args(arguments)
    if problem := _problem(options):
        print(problem)
        return 2
    objects, views = options.output / "objects", options.output / "views"
    scans = scan_jobs(options.scans)
    print(_words_on_scans(options.scans, len(scans)))
    jobs = procedural_jobs(options.objects, options.seed * 100_000) + scans
    failures = build_objects(objects, jobs, workers=options.workers, progress=not options.quiet)
    _report(failures)
    render_views(_view_jobs(options, objects, views), workers=options.workers, progress=not options.quiet)
    _show(options.output, ObjectStore(objects), views)
    return 0


def _problem(options: argparse.Namespace) -> str | None:
    if options.objects < 1 or options.views < 0 or options.val_views < 0 or options.workers < 1:
        return "--objects and --workers must be at least 1, --views and --val-views at least 0"
    if not 0 <= options.scan_share < 1:
        return f"--scan-share must be from 0 to below 1, got {options.scan_share}"
    return None


def _words_on_scans(folder: Path, count: int) -> str:
    if count:
        return f"{count} scanned objects from {folder}"
    return f"no scanned objects: {folder} has no index.json; going on with procedural objects only"


def _report(failures: list[Failure]) -> None:
    if failures:
        print(f"{len(failures)} objects could not be made:")
    for failure in failures[:20]:
        print(f"  {failure.id}: {failure.reason}")


def _view_jobs(options: argparse.Namespace, objects: Path, views: Path) -> list[ViewJob]:
    return [
        ViewJob(objects, views, split, number, options.seed, options.scan_share, min(PER_SHARD, count))
        for split, count in (("train", options.views), ("val", options.val_views))
        for number in range(-(-count // PER_SHARD))
    ]


def _show(output: Path, store: ObjectStore, views: Path) -> None:
    """Table of the families, one object of each, and some views of each kind of scene."""
    (output / "statistics.md").write_text(table(family_figures(store, views)))
    ids = {record.family: record.id for record in reversed(store.records.values())}
    chosen = [store.get(ids[family]) for family in sorted(FAMILIES) if family in ids]
    object_sheet(chosen, columns=6).save(output / "objects.png")
    for split in ("train", "val"):
        if any(views.glob(f"{split}-*.npz")):
            reader = ViewReader(views, split)
            _view_pictures(reader, store, output / f"views_{split}")
    print(f"look at the pictures in {output}, and at statistics.md")


def _view_pictures(reader: ViewReader, store: ObjectStore, stem: Path) -> None:
    some = [reader[int(k)] for k in np.linspace(0, len(reader) - 1, min(len(reader), 120))]
    for kind in SceneKind:
        shown = [view for view in some if view.kind is kind][:24]
        if shown:
            view_sheet(shown, store).save(stem.with_name(f"{stem.name}_{kind.name.lower()}.png"))


if __name__ == "__main__":
    raise SystemExit(main())
