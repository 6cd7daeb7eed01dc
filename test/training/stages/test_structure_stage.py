"""The structure objective: scaling of latents, turning of samples."""

from __future__ import annotations

import numpy as np
import torch
from training_shapes import Shapes

from sam3d_ros.model.config import StructureDecoderConfig
from sam3d_ros.model.structure import StructureDecoder
from sam3d_ros.training.engine.positions import rng_at
from sam3d_ros.training.stages.fields import truth_fields
from sam3d_ros.training.stages.structure import (
    PrepareStructure,
    StructureObjective,
    StructureSettings,
    scaled_decoder,
)

SETTINGS = StructureSettings(
    encoder_widths=(8, 8),
    decoder=StructureDecoderConfig(channels=4, widths=(8, 8, 8), res_blocks=1, middle_blocks=1, signed_distance=True),
)


def truths() -> dict[str, torch.Tensor]:
    return truth_fields(torch.utils.data.default_collate([Shapes()[k] for k in range(4)]))


@torch.no_grad()
def test_scaled_latents_have_unit_deviation_and_the_shipped_decoder_reads_them():
    torch.manual_seed(0)
    objective = StructureObjective(SETTINGS)
    objective.measure_scale(truths())
    latent = objective.latent(truths())
    torch.testing.assert_close(latent.flatten(0, 1).std(dim=0), torch.ones(4), atol=1e-4, rtol=0)
    shipped = StructureDecoder(SETTINGS.decoder)
    shipped.load_state_dict(scaled_decoder(objective))
    expected, found = objective.decode(latent), shipped.fields(latent)
    torch.testing.assert_close(found.logits, expected.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.distance, expected.distance, atol=1e-5, rtol=1e-5)


def test_a_sample_is_turned_as_a_whole_and_stays_the_same_solid():
    sample, prepare = Shapes()[0], PrepareStructure(tokens=8, channels=4)
    prepared = [prepare(sample, rng_at(0, position), 0.0) for position in range(12)]
    for turned in prepared:
        assert (turned["occupancy"] == (turned["distance"] < 0)).mean() > 0.999
        assert turned["occupancy"].sum() == sample["occupancy"].sum()
    assert len({turned["occupancy"].tobytes() for turned in prepared}) > 3


def test_a_perfect_answer_costs_nearly_nothing():
    from sam3d_ros.training.losses import StructureWeights, structure_losses

    truth = truths()
    logits = 40 * (truth["occupancy"] - 0.5)
    terms = structure_losses(logits, truth["distance"], truth, StructureWeights())
    assert all(float(term) < 1e-3 for term in terms.values())
    assert np.isfinite(float(structure_losses(-logits, None, truth, StructureWeights())["dice"]))
