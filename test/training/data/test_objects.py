"""What the store keeps of an object agrees with its mesh."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import trimesh

from sam3d_ros.training.data.creases import corner_normals
from sam3d_ros.training.data.distance_grid import NODES, distance_grid
from sam3d_ros.training.data.meshing import is_closed
from sam3d_ros.training.data.scans import find_scans, write_scan
from sam3d_ros.training.data.store import Failure, ObjectJob, ObjectStore, build_objects, procedural_jobs, scan_jobs


def test_the_distance_grid_of_a_ball_is_its_distance():
    ball = trimesh.creation.icosphere(4, 0.06)
    vertices, faces = ball.vertices.astype(np.float32), ball.faces.astype(np.int32)
    grid = distance_grid(vertices, faces, np.asarray(trimesh.sample.sample_surface(ball, 60_000, seed=0)[0]))
    axes = [np.linspace(grid.low[k], grid.high[k], NODES) for k in range(3)]
    true = np.linalg.norm(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1), axis=-1) - 0.06
    found = grid.values / 127 * grid.truncation
    off = np.abs(found - np.clip(true, -grid.truncation, grid.truncation))
    assert off.max() < 8e-4  # far away: the nearest point of a neighbour
    assert off[np.abs(true) < 0.002].max() < 2e-4  # beside the surface: flat triangles and the step of a byte


def test_objects_lie_in_their_boxes_with_points_on_their_surface(store):
    for name in store.ids():
        thing = store.get(name)
        assert is_closed(thing.mesh.vertices, thing.mesh.triangles)
        points, normals, colors = thing.surface
        assert points.shape == (8192, 3) == normals.shape == colors.shape
        low, high = thing.mesh.vertices.min(axis=0), thing.mesh.vertices.max(axis=0)
        assert ((points > low - 1e-5) & (points < high + 1e-5)).all()
        assert np.abs(np.linalg.norm(normals / 127.0, axis=1) - 1).max() < 0.02


def test_the_sign_of_the_grid_changes_across_the_surface(store):
    for name in store.ids():
        thing = store.get(name)
        grid = thing.distances
        points, normals, _ = thing.surface
        step = 1.5 * (grid.high - grid.low).max() / NODES
        outer = (points + step * normals / 127.0 - grid.low) / (grid.high - grid.low) * (NODES - 1)
        inside = grid.values[tuple(np.rint(outer).astype(int).clip(0, NODES - 1).T)] < 0
        assert inside.mean() < 0.06  # corners, and walls that are thinner than the step


def test_fine_colours_are_those_of_the_surface_points(store):
    for name in store.ids():
        thing = store.get(name)
        points, _, colors = thing.surface
        off = np.abs(thing.colors.at(points).astype(int) - colors.astype(int)).max(axis=1)
        assert np.quantile(off, 0.8) < 40  # prints have sharp edges within a voxel


def test_resting_poses_are_rotations_with_probabilities(store):
    rotations, probability = store.get("carton_00000").resting
    assert probability.sum() == pytest.approx(1, abs=1e-5)
    assert np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max() < 1e-5


def test_normals_of_a_cube_stay_sharp_at_its_edges():
    cube = trimesh.creation.box((1, 1, 1))
    normals = corner_normals(cube.vertices.astype(np.float32), cube.faces.astype(np.int32))
    assert (np.abs(normals).max(axis=2) == 127).all()


def test_a_store_survives_the_way_to_another_process(store):
    copy = pickle.loads(pickle.dumps(store))
    assert copy.ids() == store.ids()


def test_made_objects_are_kept_and_broken_runs_are_taken_up(object_folder):
    path = object_folder / "apple_00000.npz"
    before = path.read_bytes()
    path.unlink()
    (object_folder / "apple_00000.part").write_bytes(b"half a file")
    stamp = (object_folder / "mug_00000.npz").stat().st_mtime_ns
    jobs = [ObjectJob(f"{family}_00000", family, 0) for family in ("mug", "toy_car", "carton", "apple")]
    assert build_objects(object_folder, jobs, workers=1, progress=False) == []
    assert path.read_bytes() == before
    assert (object_folder / "mug_00000.npz").stat().st_mtime_ns == stamp


def test_jobs_go_around_all_families():
    jobs = procedural_jobs(300, 7)
    assert len({job.id for job in jobs}) == 300
    assert {job.seed for job in jobs} == {7, 8, 9}


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no objects"):
        ObjectStore(tmp_path)


def _scan_folder(folder, *, open_mesh=False):
    box = trimesh.creation.box((0.9, 0.6, 0.3))
    faces = box.faces[1:] if open_mesh else box.faces
    colors = np.full((len(box.vertices), 3), 200, np.uint8)
    np.savez(
        folder / "crate.npz",
        vertices=box.vertices.astype(np.float32),
        faces=faces.astype(np.int32),
        vertex_colors=colors,
    )
    record = {"id": "crate", "file": "crate.npz", "category": "box", "licence": "CC0-1.0"}
    record |= {"colour_source": "vertex", "watertight": True}
    (folder / "index.json").write_text(json.dumps({"objects": [record]}))
    return folder


def test_scans_become_objects_of_a_plausible_size(tmp_path):
    scan = find_scans(_scan_folder(tmp_path))[0]
    record = write_scan(tmp_path / "scan_crate.npz", scan)
    assert record.family == "scan_box"
    assert record.licence == "CC0-1.0"
    assert 0.06 <= max(record.extents) <= 0.28


def test_an_open_scan_is_named_as_a_failure(tmp_path):
    jobs = scan_jobs(_scan_folder(tmp_path, open_mesh=True))
    failures = build_objects(tmp_path / "objects", jobs, workers=1, progress=False)
    assert failures == [Failure("scan_crate", "crate: the mesh is not closed")]


def test_without_scans_there_are_no_scan_jobs(tmp_path):
    assert scan_jobs(tmp_path / "nowhere") == []
    assert scan_jobs(None) == []
