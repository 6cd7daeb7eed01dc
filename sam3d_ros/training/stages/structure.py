"""The first stage: a latent for shapes on a grid, and back (a variational autoencoder)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ...model.config import TINY, StructureDecoderConfig
from ...model.encoders import StructureEncoder
from ...model.structure import StructureDecoder, StructureFields
from ..engine.settings import OptimiserSettings, RunSettings
from ..losses import StructureWeights, structure_losses
from .fields import ReadBatch, truth_fields


def _run() -> RunSettings:
    return RunSettings(steps=12_000, optimiser=OptimiserSettings(rate=1e-3))


@dataclass(frozen=True, slots=True)
class StructureSettings:
    """Settings of this stage."""

    run: RunSettings = field(default_factory=_run)
    encoder_stem: int = 4  # voxels along an edge of the cells that the encoder begins with
    encoder_widths: tuple[int, ...] = (64, 128)  # from the finest resolution
    decoder: StructureDecoderConfig = TINY.structure_decoder
    weights: StructureWeights = field(default_factory=StructureWeights)


class StructureObjective(nn.Module):
    """Reconstruction of occupancy and signed distance through a latent that stays near the normal distribution."""

    latent_scale: Tensor  # [channels] standard deviations, by which the latents of later stages are divided

    def __init__(self, settings: StructureSettings, read: ReadBatch | None = None) -> None:
        """`read` makes of a batch what is written at `forward`."""
        super().__init__()
        self.read = read or dict
        channels = settings.decoder.channels
        self.encoder = StructureEncoder(channels, settings.encoder_widths, stem=settings.encoder_stem)
        self.decoder = StructureDecoder(settings.decoder)
        self.weights = settings.weights
        self.register_buffer("latent_scale", torch.ones(channels))

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted terms of a batch: `occupancy`, `distance`, and `noise` [B, grid^3, channels] of the draw."""
        batch = self.read(batch)
        truth = truth_fields(batch)
        posterior = self.encoder(truth["occupancy"], truth["distance"])
        fields = self.decoder.fields(posterior.sample(batch["noise"].float()))
        terms = structure_losses(fields.logits, fields.distance, truth, self.weights)
        return {**terms, "divergence": self.weights.divergence * posterior.divergence()}

    def latent(self, truth: Mapping[str, Tensor]) -> Tensor:
        """The latent [B, grid^3, channels] of true fields, of about unit variance: what later stages predict."""
        latent: Tensor = self.encoder(truth["occupancy"], truth["distance"]).mean / self.latent_scale
        return latent

    def decode(self, latent: Tensor) -> StructureFields:
        """Fields of a latent that is scaled like that of `latent`."""
        return self.decoder.fields(latent * self.latent_scale)

    def measure_scale(self, truths: Mapping[str, Tensor]) -> None:
        """Take `latent_scale` from true fields of many objects."""
        with torch.no_grad():
            latent = self.encoder(truths["occupancy"], truths["distance"]).mean
            self.latent_scale.copy_(latent.flatten(0, 1).std(dim=0).clamp(min=1e-4))


def scaled_decoder(objective: StructureObjective) -> dict[str, Tensor]:
    """State of the decoder that reads scaled latents itself: what is shipped."""
    state = {key: value.detach().clone() for key, value in objective.decoder.state_dict().items()}
    scale = objective.latent_scale[None, :, None, None, None]
    state["input_layer.weight"] = state["input_layer.weight"] * scale
    return state
