"""Compares the geometric completion with what needs no completion at all, on tabletop scenes of scanned objects.

    python bench/bench_geometric.py [--scenes 24] [--seed 1000] [--data ../shared/data]

One table comes out: each method's mean and median Chamfer distance, F-score at 5 mm and share of the hidden surface
within 10 mm; a second one holds the time of each stage. Methods: all depth in the mask and its convex hull; the same
without stray depth; the backend's coarse and finished meshes.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scanned_scenes import BenchScene, load_objects, make_scene
from tqdm import tqdm

from sam3d_ros.geometry import Mesh
from sam3d_ros.geometry.metrics import chamfer_distance, f_score, hidden_surface_recall
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.geometry.volume import hidden_from_camera
from sam3d_ros.pipeline import CancelToken, Detail, Reconstruction, Rejection
from sam3d_ros.pipeline.finish import convex_hull
from sam3d_ros.pipeline.geometric import GeometricBackend
from sam3d_ros.pipeline.observation import PrepareConfig, observe

SAMPLES = 5000
Float64Array = NDArray[np.float64]
Scores = dict[str, list[tuple[float, float, float]]]


def main() -> None:
    arguments = _arguments()
    folder = arguments.data / "objects_val"
    if not folder.is_dir():
        raise SystemExit(f"no scanned objects in {folder}; name their folder with --data")
    objects = load_objects(folder)
    scores: Scores = defaultdict(list)
    times: dict[str, list[float]] = defaultdict(list)
    refused: list[str] = []
    for seed in tqdm(range(arguments.seed, arguments.seed + arguments.scenes), desc="scenes"):
        _measure_scene(make_scene(objects, seed), scores, times, refused)
    _print_tables(scores, times, refused)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1000, help="of the first scene; the others follow")
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    return parser.parse_args()


def _measure_scene(scene: BenchScene, scores: Scores, times: dict[str, list[float]], refused: list[str]) -> None:
    backend = GeometricBackend()
    backend.load()
    prepared = backend.prepare(scene.frame)
    for label, name in scene.names.items():
        coarse: list[Reconstruction] = []
        start = time.process_time()
        answer = backend.reconstruct(
            prepared,
            label,
            detail=Detail.FULL,
            progress=lambda p, found=coarse: found.append(p.coarse) if p.coarse else None,
            cancel=CancelToken(),
        )
        times["all, processor time"].append(1e3 * (time.process_time() - start))
        if isinstance(answer, Rejection):
            refused.append(f"{scene.name} {name}: {answer.reason.value}, {answer.detail}")
            continue
        estimates = _without_completion(scene, label)
        estimates["geometric, coarse"] = _surface(coarse[0].mesh.transformed(coarse[0].T_cam_obj))
        estimates["geometric"] = _surface(answer.mesh.transformed(answer.T_cam_obj))
        for method, points in estimates.items():
            scores[method].append(_score(points, scene, label))
        for stage, milliseconds in {**answer.latency_ms, "all": sum(answer.latency_ms.values())}.items():
            times[stage].append(milliseconds)


def _without_completion(scene: BenchScene, label: int) -> dict[str, Float64Array]:
    """Surface points [N, 3] in the camera frame of the methods that add nothing to what was seen."""
    raw = scene.frame.pointmap[scene.frame.labels == label].astype(np.float64)
    raw = raw[np.isfinite(raw).all(axis=1)]
    observation = observe(scene.frame, label, PrepareConfig())
    if isinstance(observation, Rejection):
        raise ValueError(f"the backend accepted what observe refuses: {observation}")
    return {
        "depth in the mask": raw,
        "convex hull of it": _hull_surface(raw),
        "stray depth removed": observation.points,
        "convex hull of that": _hull_surface(observation.points),
    }


def _hull_surface(points: Float64Array) -> Float64Array:
    vertices, triangles = convex_hull(points)
    return _surface(
        Mesh(vertices.astype(np.float32), triangles.astype(np.int32), np.zeros((len(vertices), 3), np.uint8))
    )


def _surface(mesh: Mesh) -> Float64Array:
    return sample_surface(mesh, SAMPLES, 0).points.astype(np.float64)


def _score(points: Float64Array, scene: BenchScene, label: int) -> tuple[float, float, float]:
    """Chamfer distance in millimetres, F-score at 5 mm, hidden surface within 10 mm."""
    mesh, T_cam_obj = scene.meshes[label], scene.poses[label]
    p_obj = sample_surface(mesh, SAMPLES, 0).points
    truth = T_cam_obj.apply(p_obj)
    hidden = hidden_from_camera(mesh, p_obj, T_cam_obj)
    return (
        1e3 * chamfer_distance(points, truth),
        f_score(points, truth, 0.005).score,
        hidden_surface_recall(points, truth, hidden, threshold=0.01),
    )


def _print_tables(scores: Scores, times: dict[str, list[float]], refused: list[str]) -> None:
    print(f"{'method':22} {'objects':>7} {'Chamfer mm':>10} {'median':>7} {'F@5mm':>6} {'hidden@10mm':>11}")
    for method, rows in scores.items():
        table = np.array(rows)
        chamfer, f, hidden = np.nanmean(table, axis=0)
        print(f"{method:22} {len(rows):7d} {chamfer:10.2f} {np.median(table[:, 0]):7.2f} {f:6.3f} {hidden:11.3f}")
    print(f"\n{'stage':22} {'mean ms':>8} {'p95 ms':>8}")
    for stage, milliseconds in times.items():
        print(f"{stage:22} {np.mean(milliseconds):8.1f} {np.quantile(milliseconds, 0.95):8.1f}")
    print("\n".join(["", f"{len(refused)} refused", *refused]))


if __name__ == "__main__":
    main()
