"""The geometry objective: what it learns, what reaches which weight, how times spread."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from training_shapes import Shapes, Views

from sam3d_ros.model import SMALL
from sam3d_ros.model.config import ObservedConfig, SamplerConfig, StructureDecoderConfig
from sam3d_ros.model.structure import SHAPE, latent_sizes
from sam3d_ros.training.engine.positions import rng_at
from sam3d_ros.training.stages.geometry import GeometryObjective, GeometrySettings, PrepareGeometry, Spread
from sam3d_ros.training.stages.structure import StructureObjective, StructureSettings

STRUCTURE = StructureSettings(
    encoder_stem=2,
    encoder_widths=(8, 8),
    decoder=StructureDecoderConfig(channels=4, widths=(8, 8, 8), res_blocks=1, middle_blocks=1, signed_distance=True),
)
SETTINGS = GeometrySettings(
    embedder=replace(SMALL.stage1_embedder, width=32),
    geometry=replace(
        SMALL.geometry, width=32, condition_width=32, heads=1, channels=4, layout_mlp_ratio=1.0, prediction="clean",
        observed=ObservedConfig(resolution=16, stem_width=8, depth=1),
    ),
)  # fmt: skip
SIZES = latent_sizes(SETTINGS.geometry)


def objective(settings: GeometrySettings = SETTINGS) -> GeometryObjective:
    torch.manual_seed(0)
    return GeometryObjective(settings, StructureObjective(STRUCTURE))


def batch(samples: int = 2, spread: Spread | None = None, progress: float = 0.0) -> dict[str, torch.Tensor]:
    prepare = PrepareGeometry(SIZES, spread or Spread())
    views = Views(Shapes(samples))
    prepared = [prepare(views[k], rng_at(0, k), progress) for k in range(samples)]
    return torch.utils.data.default_collate(prepared)


def test_one_batch_is_learnt_by_heart():
    net, data = objective(), batch()
    trained = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(trained, lr=3e-3)
    losses = []
    for _ in range(25):
        loss = torch.stack(list(net(data).values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


@pytest.mark.parametrize("decoder_trained", [True, False])
def test_gradients_reach_every_parameter_that_is_trained_and_no_frozen_one(decoder_trained):
    net = objective(replace(SETTINGS, decoder_trained=decoder_trained))
    torch.stack(list(net(batch(spread=Spread(0.0, 0.0, 1.0), progress=1.0)).values())).sum().backward()
    reached = {name for name, p in net.named_parameters() if p.grad is not None}
    assert reached == {name for name, p in net.named_parameters() if p.requires_grad}
    assert not [name for name in reached if name.startswith("structure.encoder")]
    assert bool([name for name in reached if name.startswith("structure.decoder")]) == decoder_trained


def test_samples_whose_frame_is_not_known_teach_no_layout():
    net, data = objective(), batch()
    unknown = {**data, "layout_known": torch.zeros(2)}
    terms = net(unknown)
    assert terms["translation"] == 0
    assert terms["shape"] == net(data)["shape"]


def test_the_loss_of_a_batch_is_the_mean_of_its_halves():
    net, data = objective().eval(), batch(4)
    halves = [net({name: x[rows] for name, x in data.items()}) for rows in (slice(0, 2), slice(2, 4))]
    for name, term in net(data).items():
        torch.testing.assert_close(term, (halves[0][name] + halves[1][name]) / 2, atol=1e-5, rtol=1e-4)


def test_one_step_samples_the_regression():
    net, data = objective().eval(), batch()
    sampled = net.sample(data, SamplerConfig(steps=1, rescale_t=1.0, guidance=0.0))
    assert data["time"].abs().max() == 0
    with torch.no_grad():
        clean = net._predict({name: data[f"noise_{name}"] for name in SIZES}, data)
    torch.testing.assert_close(sampled[SHAPE], clean[SHAPE], atol=1e-5, rtol=1e-5)


def test_times_stay_at_zero_first_and_then_spread():
    spread = Spread(begin=0.2, end=0.4, flow=0.75)
    rng = np.random.default_rng(0)
    shares = [np.mean([spread.draw(rng, progress) > 0 for _ in range(2000)]) for progress in (0.1, 0.3, 0.5, 1.0)]
    assert shares[0] == 0
    np.testing.assert_allclose(shares[1:], [0.375, 0.75, 0.75], atol=0.04)


def test_a_network_that_says_velocities_is_refused():
    with pytest.raises(ValueError, match="'velocity'"):
        objective(replace(SETTINGS, geometry=replace(SETTINGS.geometry, prediction="velocity")))
