"""Shapes in cubes, layout latents, figures."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from sam3d_ros.model.pose import rotation_from_latent
from sam3d_ros.model.structure import ROTATION, StructureFields
from sam3d_ros.training.data.distance_grid import DistanceGrid
from sam3d_ros.training.data.targets import DistanceVolumes
from sam3d_ros.training.stages.layout import layout_latents
from sam3d_ros.training.stages.measure import batch_figures, measured_numbers, shape_figures, write_figures
from sam3d_ros.training.stages.shapes import TRUNCATION, ShapeTargets, random_placement
from sam3d_ros.training.stages.tables import ObjectTable

RADIUS = 0.1


def ball_grid(centre=(0.0, 0.0, 0.0)) -> DistanceGrid:
    """Distances of a ball about `centre`, on a grid about the origin."""
    high = np.full(3, 1.1 * RADIUS) + np.abs(centre)
    axes = [np.linspace(-h, h, 48) for h in high]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    truncation = 0.24 * RADIUS
    distance = np.linalg.norm(nodes - centre, axis=-1) - RADIUS
    values = np.rint(127 * np.clip(distance / truncation, -1, 1)).astype(np.int8)
    return DistanceGrid(values, (-high).astype(np.float32), high.astype(np.float32), truncation)


def centres(resolution: int, edge: float):
    axis = ((np.arange(resolution) + 0.5) / resolution - 0.5) * edge
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)


def table_of(grid: DistanceGrid) -> ObjectTable:
    volumes = DistanceVolumes(
        torch.from_numpy(grid.values)[None],
        torch.from_numpy(grid.low)[None],
        torch.from_numpy(grid.high)[None],
        torch.tensor([grid.truncation]),
    )
    return ObjectTable(volumes, torch.from_numpy(grid.high - grid.low)[None], torch.ones(1, dtype=torch.long))


def test_a_turned_and_moved_ball_has_the_distances_that_it_has_by_formula():
    offset, moved, edge = np.array([0.03, 0.0, -0.02]), np.array([0.01, -0.02, 0.03]), 0.4
    T = torch.eye(4)[None]
    T[0, :3, :3] = torch.from_numpy(Rotation.from_rotvec([0.3, -0.5, 0.9]).as_matrix())
    T[0, :3, 3] = torch.from_numpy(moved)
    batch = {"object": torch.tensor([0]), "T_cube_obj": T, "edge": torch.tensor([edge]), "noise": torch.zeros(1, 8, 4)}
    made = ShapeTargets(table_of(ball_grid(offset)))(batch)
    found = made["distance"][0].numpy() / 127
    distance = np.linalg.norm(centres(64, edge) - moved - T[0, :3, :3].numpy() @ offset, axis=-1) - RADIUS
    expected = np.clip(distance / (edge * TRUNCATION / 64), -1, 1)
    assert np.abs(found - expected)[np.abs(expected) < 0.9].max() < 0.06
    assert ((found < 0) == made["occupancy"][0].numpy().astype(bool)).mean() > 0.999


def test_placements_keep_the_object_within_its_cube():
    extents, rng = np.float32([0.1, 0.2, 0.05]), np.random.default_rng(0)
    corners = np.stack(np.meshgrid(*[[-x / 2, x / 2] for x in extents]), axis=-1).reshape(-1, 3)
    for _ in range(20):
        rotation, edge, centre = random_placement(extents, rng)
        assert np.abs(corners @ rotation.T + centre).max() <= edge / 2 + 1e-9
        assert np.ptp(corners @ rotation.T, axis=0).max() >= 0.49 * edge


def test_layout_latents_give_the_pose_back():
    rotations = Rotation.random(5, rng=np.random.default_rng(0)).as_matrix()
    T = torch.eye(4).repeat(5, 1, 1)
    T[:, :3, :3], T[:, :3, 3] = torch.from_numpy(rotations).float(), torch.arange(15.0).view(5, 3)
    edge, extents = torch.full((5,), 0.5), torch.tensor([[0.1, 0.2, 0.3]]).expand(5, -1)
    latents = layout_latents(T, edge, extents)
    Q = rotation_from_latent(latents[ROTATION])
    torch.testing.assert_close(Q.transpose(1, 2), T[:, :3, :3], atol=1e-5, rtol=0)
    torch.testing.assert_close(latents["translation"] * 0.5, T[:, :3, 3])
    torch.testing.assert_close(latents["scale"].exp() * 0.5, extents)


def fields(radius: float):
    distance = np.linalg.norm(centres(32, 32.0), axis=-1) - radius
    return {"occupancy": distance < 0, "distance": distance}


def test_figures_of_the_truth_are_perfect_and_of_a_smaller_ball_as_expected():
    perfect, smaller = (shape_figures(fields(radius), fields(10.0)) for radius in (10.0, 8.0))
    assert (perfect.iou, perfect.f_score, perfect.chamfer) == (1.0, 1.0, 0.0)
    assert smaller.iou == pytest.approx(0.8**3, abs=0.02)
    assert smaller.chamfer == pytest.approx(2.0, abs=0.1)
    assert smaller.f_score == 0


def test_an_estimate_without_a_surface_has_the_worst_figures():
    nothing = shape_figures({"occupancy": np.zeros((32,) * 3), "distance": np.ones((32,) * 3)}, fields(10.0))
    assert (nothing.iou, nothing.f_score, nothing.chamfer) == (0.0, 0.0, 32.0)


def test_figures_are_written_with_their_intervals(tmp_path):
    figures = [shape_figures(fields(radius), fields(10.0)) for radius in (10.0, 8.0)]
    means = write_figures(tmp_path / "f.json", figures, {"stage": "x"})
    content = json.loads((tmp_path / "f.json").read_text())
    assert content["mean"] == means
    assert (content["stage"], content["objects"]) == ("x", 2)
    assert content["interval_95"]["f_score"] == pytest.approx(1.96 * 0.5 / np.sqrt(2))


def test_what_is_measured_is_spread_over_all_samples_in_batches():
    numbers = [number for batch in measured_numbers(1000, 40) for number in batch]
    assert numbers == list(range(0, 1000, 25))
    assert max(len(batch) for batch in measured_numbers(1000, 40)) == 16
    assert [list(batch) for batch in measured_numbers(3, 40)] == [[0, 1, 2]]


def test_a_batch_has_the_figures_of_its_objects():
    radii = (10.0, 8.0)
    distance = torch.from_numpy(np.stack([fields(radius)["distance"] for radius in radii]))[:, None].float()
    truth = torch.from_numpy(fields(10.0)["distance"])[None, None].float().expand(2, -1, -1, -1, -1)
    found = list(batch_figures(StructureFields(-distance, None), {"occupancy": (truth < 0).float(), "distance": truth}))
    assert [figure.iou for figure in found] == [shape_figures(fields(r), fields(10.0)).iou for r in radii]
