"""Time of stage 2 of the tiny model, part by part, on a ball of some 2,500 voxels: `python bench/bench_refinement.py`.

Weights are random, which costs the same. Run it on a quiet machine; threads as torch finds them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from sam3d_ros.model import TINY
from sam3d_ros.model.decoders import FieldDecoder
from sam3d_ros.model.embedders import ConditionEmbedder
from sam3d_ros.model.preprocess.cube import ViewCubes
from sam3d_ros.model.preprocess.object_view import Picture
from sam3d_ros.model.refinement import RefinementNetwork, refined_voxels, voxel_features
from sam3d_ros.model.sparse import SparseTensor, Voxels
from sam3d_ros.model.structure import StructureFields
from sam3d_ros.model.surface import colours_at, dense_distance
from sam3d_ros.pipeline.finish import finish_mesh
from sam3d_ros.pipeline.sam3d.cube_surface import cube_surface
from sam3d_ros.training.engine.devices import best_precision

T = TypeVar("T")
RUNS = 7
FINE = 64


def main() -> None:
    """Print the median time of each part in milliseconds."""
    dtype = torch.bfloat16 if best_precision() == "bf16-mixed" else torch.float32
    print(f"{torch.get_num_threads()} threads, {dtype}")
    torch.manual_seed(0)
    with torch.inference_mode():
        _measure(dtype)


def _measure(dtype: torch.dtype) -> None:
    embedder, network, decoder = (
        part.eval()
        for part in (
            ConditionEmbedder(TINY.stage2_embedder),
            RefinementNetwork(TINY.refinement),
            FieldDecoder(TINY.mesh),
        )
    )
    for part in (embedder, network, decoder):
        part.to_compute_dtype(dtype)
    fields, cubes, picture = _ball()
    resolution = TINY.refinement.resolution
    assert TINY.mesh.field is not None
    reach = TINY.mesh.field.reach
    size = TINY.stage2_embedder.vit.image_size
    inputs = {name: torch.rand(1, 1 if "mask" in name else 3, size, size) for name in embedder.inputs}
    condition = _timed("condition tokens", lambda: network.project(embedder(inputs)))
    observed = torch.zeros(1, FINE, FINE, FINE, dtype=torch.uint8)
    voxels = _timed("voxels", lambda: refined_voxels(fields, observed, resolution, reach))
    features = _timed("features of voxels", lambda: network.tell(voxel_features(voxels, fields, cubes, picture)))
    _timed("neighbours and windows", lambda: _known(Voxels(voxels.coords)))
    latent = SparseTensor(voxels, torch.randn(len(voxels), TINY.refinement.channels))
    _timed("one step", lambda: network(latent, torch.zeros(1), condition, told_of_voxels=features))
    cells = _timed("decoder", lambda: decoder(latent))
    places, elsewhere = voxels.coords[:, 1:], fields.logits[0, 0].neg()
    _timed("grid of cells", lambda: dense_distance(places, cells.distance, elsewhere, resolution))
    # Random weights have no surface of a usual size; a ball has.
    surface = _timed("surface", lambda: cube_surface(elsewhere.numpy()))
    points = torch.from_numpy(np.ascontiguousarray(surface.vertices[:2500]))
    _timed("colours of 2,500 vertices", lambda: colours_at(points, places, cells.colours, resolution))
    _timed("finish to 5,000 triangles", lambda: finish_mesh(surface, triangle_budget=5000))
    print(f"{len(voxels)} voxels, {len(surface.triangles)} triangles before they are thinned")


def _timed(name: str, work: Callable[[], T]) -> T:
    answer, times = work(), []
    for _ in range(RUNS):
        start = time.perf_counter()
        answer = work()
        times.append(time.perf_counter() - start)
    print(f"{name:28s} {1000 * float(np.median(times)):7.1f} ms")
    return answer


def _known(voxels: Voxels) -> None:
    """All that is found once for an object's voxels."""
    window = TINY.mesh.trunk.window
    for known in (voxels, voxels.halved[0]):
        _ = known.neighbours.table
    for shift in (0, window // 2):
        voxels.windows(window, shift)


def _ball() -> tuple[StructureFields, ViewCubes, Picture]:
    axis = (torch.arange(FINE) + 0.5) / FINE - 0.5
    stretched = torch.cartesian_prod(axis, axis, axis) * torch.tensor([1.0, 1.3, 1.0])
    distance = ((stretched.norm(dim=1) - 0.33) * FINE / 3).view(1, 1, FINE, FINE, FINE)
    pose = torch.eye(4)[None].clone()
    pose[:, 2, 3] = 0.6
    cubes = ViewCubes(pose, torch.tensor([0.2]), torch.tensor([True]))
    mask = torch.ones(1, 160, 160, dtype=torch.bool)
    picture = Picture(torch.rand(1, 3, 160, 160), 0.6 * mask.float(), mask, torch.tensor([[480.0, 480.0, 79.5, 79.5]]))
    return StructureFields(-4 * distance, distance), cubes, picture


if __name__ == "__main__":
    main()
