"""How long messages take: NumPy buffers against one Python object for each point.

Prints both ways in one run, with the ratio: the marker of a coloured mesh of 20,000 triangles, built and serialised,
and ReconstructedObject with 5,000 and 20,000 triangles. Run: `python bench/bench_messages.py`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rclpy.serialization import serialize_message
from sam3d_ros.msg import PackedMesh

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.messages.marker_data import MarkerData, MarkerType, encode_markers, triangle_list
from sam3d_ros.messages.names import OutputNames
from sam3d_ros.node.builders.marker_message import marker_array_message
from sam3d_ros.node.builders.objects import PackedMeshes, build_object, pack_mesh
from sam3d_ros.pipeline import Quality
from sam3d_ros.tracking.scene import ObjectState, SceneObject

NAMES = OutputNames("camera_color_optical_frame")
BUDGET_MS = 10.0  # building and serialising the marker of 20,000 triangles


def grid_mesh(triangles: int) -> Mesh:
    """A wavy sheet with that many triangles (of an even number) and a colour for each vertex."""
    columns = 100
    rows = triangles // (2 * columns)
    y, x = (grid.ravel() for grid in np.meshgrid(np.arange(rows + 1), np.arange(columns + 1), indexing="ij"))
    vertices = 0.001 * np.stack([x, y, 10 * np.sin(0.2 * x) * np.cos(0.2 * y)], axis=1)
    corner = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    lower = np.stack([corner, corner + 1, corner + columns + 1], axis=1)
    upper = np.stack([corner + 1, corner + columns + 2, corner + columns + 1], axis=1)
    return Mesh(vertices, np.concatenate([lower, upper]), np.stack([x, y, x + y], axis=1) % 256)


def marker_of(mesh: Mesh) -> MarkerData:
    points, colors = triangle_list(mesh)
    return MarkerData("object_1", 1, "mesh", 1, MarkerType.TRIANGLE_LIST, points=points, colors=colors)


def marker_elementwise(mesh: Mesh) -> bytes:
    return serialize_message(marker_array_message([marker_of(mesh)]))


def marker_buffers(mesh: Mesh) -> bytes:
    return encode_markers([marker_of(mesh)])


def object_of(mesh: Mesh) -> SceneObject:
    pose, quality = SE3.identity(), Quality()
    return SceneObject(1, 1, None, ObjectState.COMPLETE, mesh, 1, pose, np.eye(6), 0.1, quality, stamp_ns=1)


def object_elementwise(mesh: Mesh) -> bytes:
    packed = PackedMesh(
        vertices=[float(value) for value in mesh.vertices.reshape(-1)],
        triangles=[int(value) for value in mesh.triangles.reshape(-1)],
        vertex_colors=[int(value) for value in mesh.vertex_colors.reshape(-1)],
    )
    return serialize_message(build_object(object_of(mesh), NAMES, packed))


def object_buffers(mesh: Mesh) -> bytes:
    return serialize_message(build_object(object_of(mesh), NAMES, pack_mesh(mesh)))


def object_cached(mesh: Mesh, meshes: PackedMeshes) -> bytes:
    item = object_of(mesh)
    return serialize_message(build_object(item, NAMES, meshes.get(item)))


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one way to make a message, and its size. CPU time leaves out other work on the machine."""

    cpu_median: float
    wall_median: float
    wall_p95: float
    size: int


def measure(work: Callable[[], bytes], repetitions: int) -> Timing:
    """Run the work so many times after one run to warm up."""
    size = len(work())
    walls, cpus = [], []
    for _ in range(repetitions):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(1000.0 * (time.perf_counter() - wall))
        cpus.append(1000.0 * (time.process_time() - cpu))
    return Timing(float(np.median(cpus)), float(np.median(walls)), float(np.percentile(walls, 95)), size)


def report(title: str, ways: dict[str, Callable[[], bytes]], repetitions: int) -> dict[str, Timing]:
    """Print one line for each way and how much faster each is than the first."""
    print(title)
    timings: dict[str, Timing] = {}
    for name, work in ways.items():
        # The slow way is not repeated as often: it is hundreds of milliseconds long and steady.
        timing = measure(work, repetitions if timings else max(repetitions // 10, 3))
        timings[name] = timing
        ratio = next(iter(timings.values())).cpu_median / timing.cpu_median
        print(
            f"  {name:<36} CPU {timing.cpu_median:7.2f} ms   wall {timing.wall_median:8.2f} ms "
            f"(p95 {timing.wall_p95:8.2f})   {timing.size / 1e6:5.2f} MB   {ratio:6.1f} x"
        )
    return timings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=100)
    repetitions = parser.parse_args().repetitions
    mesh = grid_mesh(20_000)
    ways = {"element by element": lambda: marker_elementwise(mesh), "NumPy buffers": lambda: marker_buffers(mesh)}
    timings = report("Marker, 20,000 triangles: build and serialise", ways, repetitions)
    for count in (5_000, 20_000):
        report_object(grid_mesh(count), repetitions)
    met = timings["NumPy buffers"].cpu_median < BUDGET_MS
    print(f"marker under {BUDGET_MS:.0f} ms of CPU time: {'yes' if met else 'NO'}")
    return 0 if met else 1


def report_object(mesh: Mesh, repetitions: int) -> None:
    meshes = PackedMeshes()
    ways = {
        "element by element": lambda: object_elementwise(mesh),
        "NumPy buffers": lambda: object_buffers(mesh),
        "NumPy buffers, mesh already packed": lambda: object_cached(mesh, meshes),
    }
    report(f"ReconstructedObject, {len(mesh.triangles):,} triangles: build and serialise", ways, repetitions)


if __name__ == "__main__":
    raise SystemExit(main())
