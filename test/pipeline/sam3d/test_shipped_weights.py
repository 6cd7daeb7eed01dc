"""The weights that come with the package: small enough, told by their manifest, and good at what they are for."""

from __future__ import annotations

import json

import numpy as np
import pytest
import trimesh
from one_view import ball, bowl, box, cylinder, view_of

from sam3d_ros.geometry.metrics import chamfer_distance, nearest_distances
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.pipeline import CancelToken, Detail, Reconstruction
from sam3d_ros.pipeline.backends import DEFAULT, create_backend
from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.pipeline.model_options import SHIPPED, ModelOptions

# And the share of a hull's error that is left, at most: a hull is made for boxes.
SHAPES = {"box": (box, 0.9), "cylinder": (cylinder, 0.6), "ball": (ball, 0.25), "bowl": (bowl, 0.75)}


@pytest.fixture(scope="module")
def backend():
    backend = create_backend(DEFAULT)
    backend.load()
    return backend


def complete(backend, frame):
    prepared = backend.prepare(frame)
    return backend.reconstruct(prepared, 1, detail=Detail.FULL, progress=lambda _: None, cancel=CancelToken())


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_completed_in_metres_where_they_stand(backend, name):
    make, left = SHAPES[name]
    view = view_of(make())
    answer = complete(backend, view.frame)
    assert isinstance(answer, Reconstruction)
    assert is_watertight(answer.mesh)
    assert len(answer.mesh.triangles) <= 5000
    surface = answer.T_cam_obj.apply(sample_surface(answer.mesh, 6000, 0).points)
    hull = trimesh.convex.convex_hull(view.frame.pointmap[view.frame.labels == 1].astype(np.float64))
    baseline = chamfer_distance(trimesh.sample.sample_surface(hull, 6000, seed=0)[0], view.truth)
    error = chamfer_distance(surface, view.truth)
    assert error < 0.0045, f"Chamfer distance {1e3 * error:.2f} mm, of the hull {1e3 * baseline:.2f} mm"
    assert error < left * baseline, f"Chamfer distance {1e3 * error:.2f} mm, of the hull {1e3 * baseline:.2f} mm"
    extent, true_extent = np.ptp(surface, axis=0), np.ptp(view.truth, axis=0)
    np.testing.assert_allclose(extent, true_extent, rtol=0.15)


def test_upright_objects_have_an_upright_frame(backend):
    view = view_of(cylinder())
    up = complete(backend, view.frame).T_cam_obj.rotation[:, 2]
    assert up @ view.up_cam > np.cos(np.radians(20))


def test_the_same_frame_gives_the_same_mesh(backend):
    frame = view_of(box()).frame
    first, second = complete(backend, frame), complete(backend, frame)
    np.testing.assert_array_equal(first.mesh.vertices, second.mesh.vertices)
    np.testing.assert_array_equal(first.T_cam_obj.rotation, second.T_cam_obj.rotation)


def test_the_files_are_small_and_say_how_they_were_made():
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 40e6
    manifest = json.loads((SHIPPED / "manifest.json").read_text())
    assert manifest["config"]["frame"] == "view"
    assert (SHIPPED / "training_settings.json").is_file()


def test_refined_shapes_and_their_gaussians_are_there_for_those_who_ask():
    backend = create_backend(DEFAULT, model=ModelOptions(gaussians=32))
    backend.load()
    view = view_of(ball())
    answer = complete(backend, view.frame)
    surface = answer.T_cam_obj.apply(sample_surface(answer.mesh, 6000, 0).points)
    assert chamfer_distance(surface, view.truth) < 0.0045
    means = answer.T_cam_obj.apply(answer.gaussians.means[answer.gaussians.opacities.reshape(-1) > 0.5])
    assert len(means) > 1000
    assert np.median(nearest_distances(means, view.truth)) < 0.004
