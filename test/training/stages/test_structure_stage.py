"""The structure objective: scaling of latents, turning of samples."""

from __future__ import annotations

import numpy as np
import torch
from training_shapes import Shapes

from sam3d_ros.model.config import StructureDecoderConfig
from sam3d_ros.model.structure import StructureDecoder
from sam3d_ros.training.engine.positions import rng_at
from sam3d_ros.training.stages.fields import truth_fields
from sam3d_ros.training.stages.shapes import PrepareShape
from sam3d_ros.training.stages.structure import StructureObjective, StructureSettings, scaled_decoder

SETTINGS = StructureSettings(
    encoder_stem=2,
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


def test_a_shape_is_placed_anew_at_every_position_of_a_run():
    sample, prepare = {"object": 3, "extents": np.float32([0.1, 0.2, 0.3])}, PrepareShape(tokens=8, channels=4)
    placed = [prepare(sample, rng_at(0, position), 0.0) for position in range(12)]
    assert all(one["object"] == 3 and one["noise"].shape == (8, 4) for one in placed)
    assert len({one["T_cube_obj"].tobytes() for one in placed}) == 12
    for one in placed:
        np.testing.assert_allclose(np.linalg.det(one["T_cube_obj"][:3, :3]), 1, atol=1e-5)


def test_a_perfect_answer_costs_nearly_nothing():
    from sam3d_ros.training.losses import StructureWeights, structure_losses

    truth = truths()
    logits = 40 * (truth["occupancy"] - 0.5)
    terms = structure_losses(logits, truth["distance"], truth, StructureWeights())
    assert all(float(term) < 1e-3 for term in terms.values())
    assert np.isfinite(float(structure_losses(-logits, None, truth, StructureWeights())["dice"]))
