"""The folder of views: shards by split and number, made in worker processes, each the same whoever makes it when."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .arranging import SceneKind
from .shards import PER_SHARD, write_shard
from .store import ObjectStore
from .views import View, scene_views

VIEWS_PER_SCENE = 4
SHARE = {SceneKind.ISOLATED: 0.25, SceneKind.CLUTTER: 0.3, SceneKind.CAMERA: 0.45}
SCENES = 1_000_000  # seeds of one shard's scenes lie below those of the next


@dataclass(frozen=True, slots=True)
class ViewJob:
    """One shard."""

    objects: Path
    views: Path
    split: str  # "train" or "val"
    number: int
    seed: int
    scan_share: float  # of the objects in scenes, where there are scans
    size: int = PER_SHARD

    @property
    def path(self) -> Path:
        return self.views / f"{self.split}-{self.number:05d}.npz"


def render_views(jobs: list[ViewJob], *, workers: int, progress: bool = True) -> None:
    """Makes the shards that are not there yet; a killed run is taken up by calling again."""
    missing = [job for job in jobs if not job.path.exists()]
    done = sum(job.size for job in jobs) - sum(job.size for job in missing)
    with tqdm(
        total=sum(job.size for job in jobs), initial=done, desc="views", unit="view", disable=not progress
    ) as bar:
        for size in _made(missing, workers):
            bar.update(size)


def _made(jobs: list[ViewJob], workers: int) -> Iterator[int]:
    if workers <= 1 or len(jobs) < 2:
        yield from (make_shard(job) for job in jobs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from (done.result() for done in as_completed([pool.submit(make_shard, job) for job in jobs]))


def make_shard(job: ViewJob) -> int:
    """Renders one shard; returns how many views it holds."""
    store = _store(job.objects)
    pool = _pool(store, job)
    views: list[View] = []
    scene = 0
    while len(views) < job.size:
        seed = (job.seed * 7919 + job.number) * SCENES + scene + (SCENES // 2 if job.split == "val" else 0)
        kind = _kind(seed)
        views += list(scene_views(store, pool, kind, seed, VIEWS_PER_SCENE))
        scene += 1
    write_shard(job.path, views[: job.size])
    return job.size


@lru_cache(maxsize=2)
def _store(folder: Path) -> ObjectStore:
    return ObjectStore(folder)


def _kind(seed: int) -> SceneKind:
    draw = np.random.default_rng([17, seed]).random()
    for kind, share in SHARE.items():
        if draw < share:
            return kind
        draw -= share
    return SceneKind.CAMERA


def _pool(store: ObjectStore, job: ViewJob) -> list[str]:
    """Objects from which scenes draw evenly; scans are repeated until they make up their share."""
    drawn, scans = store.ids(job.split, "procedural"), store.ids(job.split, "scan")
    if not drawn or not scans:
        pool = drawn + scans
        if not pool:
            raise ValueError(f"no objects for the split {job.split!r} in {job.objects}: make more objects")
        return pool
    wanted = job.scan_share / (1 - job.scan_share) * len(drawn)
    return drawn + (scans * int(np.ceil(wanted / len(scans))))[: max(len(scans), round(wanted))]
