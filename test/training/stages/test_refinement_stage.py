"""The refinement objective: voxels of stage 1, one step as the regression, colours on their sides, going on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from ball_data import COLOURS, LATENTS, BallViews, object_table, surface_table
from refinement_rig import EMBEDDER, RESOLUTION, SETTINGS
from torch.utils.data import default_collate

from sam3d_ros.model.config import SamplerConfig
from sam3d_ros.model.sparse import SparseTensor
from sam3d_ros.training.engine.budget import Budget
from sam3d_ros.training.engine.positions import rng_at
from sam3d_ros.training.engine.settings import RunSettings
from sam3d_ros.training.stages.first_stage import BentTruth
from sam3d_ros.training.stages.geometry import Spread
from sam3d_ros.training.stages.latents import LatentsObjective, drawn_noise
from sam3d_ros.training.stages.refined_views import PrepareRefinement, RefinementTargets
from sam3d_ros.training.stages.refinement import RefinementObjective
from sam3d_ros.training.stages.refinement_run import all_figures, refined_surfaces
from sam3d_ros.training.stages.rule_colours import first_surface, hidden_points

ONE_STEP = SamplerConfig(steps=1, rescale_t=1.0, guidance=0.0)


def latents() -> LatentsObjective:
    torch.manual_seed(0)
    field = replace(LATENTS.decoder.field, cells=2)
    trunk = replace(LATENTS.decoder.trunk, resolution=RESOLUTION)
    return LatentsObjective(replace(LATENTS, decoder=replace(LATENTS.decoder, trunk=trunk, field=field)))


def objective(bend: float = 0.2) -> RefinementObjective:
    size = EMBEDDER.vit.image_size
    read = RefinementTargets(
        object_table(), surface_table(), BentTruth(bend), size=size, resolution=RESOLUTION, reach=0.3
    )
    return RefinementObjective(SETTINGS, latents(), read)


def batch(samples: int = 2, spread: Spread | None = None, progress: float = 0.0) -> dict[str, torch.Tensor]:
    prepare, views = PrepareRefinement(spread or Spread()), BallViews(samples)
    return default_collate([prepare(views[k], rng_at(0, k), progress) for k in range(samples)])


@pytest.fixture(scope="module")
def learnt():
    """An objective that knows one batch by heart, with a decoder that learns along, and the loss on its way there."""
    net, data = objective(), batch(1)
    net.latents.decoder.requires_grad_(True)  # the tests have no time to train latents first
    trained = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=8e-3)
    losses = []
    for _ in range(45):
        terms = net(data)
        loss = terms["distance"] + terms["side"] + terms["colour"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return net, data, losses


def test_one_batch_is_learnt_by_heart(learnt):
    _, _, losses = learnt
    assert losses[-1] < 0.5 * losses[0]


def test_refined_surfaces_have_their_colours_on_their_sides_hidden_ones_too(learnt):
    net, data, _ = learnt
    seen = net.views(data)
    for number, surface in enumerate(refined_surfaces(net, seen, data["seed"], ONE_STEP)):
        cubes = seen.views.cubes
        p_cam = cubes.to_cam(torch.from_numpy(surface.points)[None].expand(len(cubes.edge), -1, -1))[number].numpy()
        for behind in (False, True):
            there = (p_cam[:, 2] > 0.51) == behind
            for side, colour in ((p_cam[:, 0] < -0.012, COLOURS[0]), (p_cam[:, 0] > 0.012, COLOURS[1])):
                found = surface.colours[there & side]
                assert len(found) > 20
                assert np.abs(found.mean(axis=0) - colour).max() < 0.2


def test_gradients_reach_every_parameter_that_is_trained_and_no_latent():
    net = objective()
    torch.stack(list(net(batch(spread=Spread(0.0, 0.0, 1.0), progress=1.0)).values())).sum().backward()
    reached = {name for name, p in net.named_parameters() if p.grad is not None}
    assert reached == {name for name, p in net.named_parameters() if p.requires_grad}
    assert not [name for name in reached if name.startswith("latents.")]


def test_one_step_samples_the_regression():
    net, data = objective().eval(), batch()
    seen, seeds = net.views(data), data["seed"]
    assert data["time"].abs().max() == 0
    noise = SparseTensor(seen.truth.voxels, drawn_noise(seen.truth.voxels, seeds, 8))
    with torch.no_grad():
        clean = net._predict(noise, data["time"].float(), seen)
    sampled = net.sample(seen, seeds, ONE_STEP)
    torch.testing.assert_close(sampled.features, clean.features, atol=1e-5, rtol=1e-5)


def test_the_loss_of_a_batch_is_the_mean_of_its_halves():
    net, data = objective().eval(), batch(4)
    halves = [net({name: x[rows] for name, x in data.items()}) for rows in (slice(0, 2), slice(2, 4))]
    for name, term in net(data).items():
        torch.testing.assert_close(term, (halves[0][name] + halves[1][name]) / 2, atol=1e-5, rtol=1e-3)


def test_voxels_are_those_of_stage_1_and_of_the_depth_that_was_read():
    net = objective(bend=0.0)
    seen = net.views(batch())
    found = {tuple(c) for c in seen.truth.voxels.coords.tolist()}
    near = torch.argwhere((seen.views.observed == 2).float().view(2, 32, 2, 32, 2, 32, 2).amax(dim=(2, 4, 6)) > 0)
    assert len(near) > 50
    assert {tuple(c) for c in near.tolist()} <= found
    crossed = torch.argwhere((seen.fields.distance[:, 0].abs() < 0.3).view(2, 32, 2, 32, 2, 32, 2).any(6).any(4).any(2))
    assert {tuple(c) for c in crossed.tolist()} <= found


def test_a_mirrored_view_shows_the_mirror_image_and_its_truth():
    net, views = objective(bend=0.0), BallViews(1)
    plain, mirrored = (
        net.views(default_collate([PrepareRefinement(Spread(), share)(views[0], rng_at(0, 0), 0.0)]))
        for share in (0.0, 1.0)
    )
    torch.testing.assert_close(mirrored.views.crop.color, plain.views.crop.color.flip(3))
    torch.testing.assert_close(mirrored.truth.distance, plain.truth.distance.flip(2), atol=0.02, rtol=0)
    for seen, colour in ((plain, COLOURS[0]), (mirrored, COLOURS[1])):
        left = seen.truth.surface.points[0, :, 0] < -0.05
        torch.testing.assert_close(
            seen.truth.surface.colours[0, left].mean(dim=0), torch.tensor(colour), atol=0.01, rtol=0
        )
    normals = mirrored.truth.surface.normals[0]
    points = mirrored.truth.surface.points[0] - mirrored.truth.surface.points[0].mean(dim=0)
    assert ((normals * torch.nn.functional.normalize(points, dim=1)).sum(dim=1) > 0.9).all()


def test_the_rule_paints_what_is_seen_and_spreads_it_to_what_is_hidden():
    net = objective(bend=0.0)
    seen = net.views(batch())
    surface, hidden = first_surface(seen, 0), hidden_points(seen, 0)
    share = hidden.float().mean()
    assert 0.4 < share < 0.75
    normals = seen.truth.surface.normals[0]
    assert (hidden[normals[:, 2] > 0.2]).all()  # away from the camera
    assert (~hidden[normals[:, 2] < -0.7]).float().mean() > 0.9
    left = surface.points[:, 0] < -0.08
    assert np.abs(surface.colours[left].mean(axis=0) - COLOURS[0]).max() < 0.1


def test_figures_compare_stage_1_with_few_steps_on_the_same_views():
    net = objective(bend=0.1).eval()
    figures = all_figures(net, BallViews(2), PrepareRefinement(Spread()))
    assert set(figures) == {"first", "1-steps", "4-steps"}
    assert all(len(found) == 2 for found in figures.values())
    assert min(found.f_score for found in figures["first"]) > 0.9 > max(found.f_score for found in figures["1-steps"])


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path):
    pytest.importorskip("lightning_fabric", reason="training needs the extra `train`")
    from sam3d_ros.training.engine.devices import make_fabric
    from sam3d_ros.training.engine.trainer import Stage, Trainer

    run = RunSettings(steps=3, batch=2, workers=0, log_every=1)

    def trainer(folder, steps):
        torch.manual_seed(1)
        stage = Stage("refinement", objective(), BallViews(4), PrepareRefinement(Spread(0.0, 0.0, 0.5)))
        made = Trainer(stage, run, tmp_path / folder, make_fabric("32-true"))
        made.settings = replace(run, steps=steps) if steps < run.steps else run
        return made

    whole = trainer("whole", 3)
    whole.run(Budget(None))
    trainer("parts", 2).run(Budget(None))
    resumed = trainer("parts", 3)
    assert resumed.step == 2
    resumed.run(Budget(None))
    for name, weight in whole.objective.state_dict().items():
        torch.testing.assert_close(resumed.objective.state_dict()[name], weight, msg=name)


def test_a_network_that_says_velocities_is_refused():
    settings = replace(SETTINGS, refinement=replace(SETTINGS.refinement, prediction="velocity"))
    with pytest.raises(ValueError, match="'velocity'"):
        RefinementObjective(settings, latents())
