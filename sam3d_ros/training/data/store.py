"""The folder of objects: what it should hold, making what is missing in worker processes, reading."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from .drawing import write_procedural
from .families import FAMILIES
from .meshing import MeshingError
from .objects import ObjectRecord, StoredObject, read_object
from .scans import Scan, ScanError, find_scans, write_scan

INDEX = "objects.json"


@dataclass(frozen=True, slots=True)
class ObjectJob:
    """One object to be made: of a family by seed, or from a scan."""

    id: str
    family: str = ""
    seed: int = 0
    scan: Scan | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An object that could not be made, and why."""

    id: str
    reason: str


def procedural_jobs(count: int, first_seed: int = 0) -> list[ObjectJob]:
    """`count` objects that go around all families, seed by seed."""
    names = sorted(FAMILIES)
    turns = [(names[k % len(names)], first_seed + k // len(names)) for k in range(count)]
    return [ObjectJob(f"{family}_{seed:05d}", family, seed) for family, seed in turns]


def scan_jobs(folder: Path | None) -> list[ObjectJob]:
    """The scans of a folder; none without a folder or where it is absent (the caller says so)."""
    if folder is None or not (folder / "index.json").is_file():
        return []
    return [ObjectJob(f"scan_{scan.id}", scan=scan) for scan in find_scans(folder)]


def build_objects(folder: Path, jobs: list[ObjectJob], *, workers: int, progress: bool = True) -> list[Failure]:
    """Makes the objects that are not there yet and writes the index; the same jobs give the same files.

    Returns those that could not be made. A killed run is taken up by calling again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [job for job in jobs if not _path(folder, job.id).exists()]
    bar = tqdm(total=len(jobs), initial=len(jobs) - len(missing), desc="objects", unit="object", disable=not progress)
    failures = []
    for failure in _made(folder, missing, workers):
        failures += [failure] if failure else []
        bar.update()
    bar.close()
    _write_index(folder, jobs)
    return sorted(failures, key=lambda failure: failure.id)


def _made(folder: Path, jobs: list[ObjectJob], workers: int) -> Iterator[Failure | None]:
    if workers <= 1 or len(jobs) < 2:
        yield from (_make(folder, job) for job in jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from (done.result() for done in as_completed([pool.submit(_make, folder, job) for job in jobs]))


def _make(folder: Path, job: ObjectJob) -> Failure | None:
    try:
        if job.scan is not None:
            write_scan(_path(folder, job.id), job.scan)
        else:
            write_procedural(_path(folder, job.id), job.family, job.seed)
    except (MeshingError, ScanError) as problem:
        return Failure(job.id, str(problem))
    return None


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.npz"


def _write_index(folder: Path, jobs: list[ObjectJob]) -> None:
    paths = [_path(folder, job.id) for job in jobs]
    records = [asdict(read_object(path).record) for path in paths if path.exists()]
    part = folder / (INDEX + ".part")
    part.write_text(json.dumps(records, indent=1))
    part.replace(folder / INDEX)


class ObjectStore:
    """The objects of a folder; reads each when it is asked for and keeps the last ones in memory."""

    def __init__(self, folder: Path, kept: int = 400) -> None:
        if not (folder / INDEX).is_file():
            raise FileNotFoundError(f"no objects in {folder}: make them with sam3d_ros.training.data.build first")
        records = json.loads((folder / INDEX).read_text())
        self.folder = folder
        self.records = {r["id"]: ObjectRecord(**(r | {"extents": tuple(r["extents"])})) for r in records}
        self._kept = kept
        self.get = lru_cache(maxsize=kept)(self._read)

    def __reduce__(self) -> tuple[type[ObjectStore], tuple[Path, int]]:
        return ObjectStore, (self.folder, self._kept)

    def ids(self, split: str | None = None, kind: str | None = None) -> list[str]:
        """Names of the objects of a split and a kind, sorted."""
        return sorted(r.id for r in self.records.values() if split in (None, r.split) and kind in (None, r.kind))

    def _read(self, name: str) -> StoredObject:
        if name not in self.records:
            raise KeyError(f"no object {name!r} in {self.folder}")
        return read_object(_path(self.folder, name))
