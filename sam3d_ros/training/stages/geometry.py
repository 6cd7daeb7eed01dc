"""The geometry network: the latent regressed at t = 0, then a flow whose first step is that regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from ...model.config import TINY, EmbedderConfig, GeometryConfig, SamplerConfig
from ...model.embedders import ConditionEmbedder
from ...model.sampling import TIME_SCALE, integrate
from ...model.structure import LAYOUT_CHANNELS, ROTATION, SHAPE, GeometryNetwork, geometry_velocity, latent_sizes
from ..engine.loading import Sample
from ..engine.settings import RunSettings
from ..losses import StructureWeights, interpolate, squared_error, structure_losses
from .fields import BYTE_IMAGES, ReadBatch, truth_fields
from .mirror import MIRROR, mirrored
from .structure import StructureObjective

POINTMAPS = ("pointmap", "rgb_pointmap")
OBSERVED = "observed"
_TIME = "time"


@dataclass(frozen=True, slots=True)
class Spread:
    """How the times of training spread from t = 0 over the flow while a run goes on."""

    begin: float = 0.3  # share of the run until which all samples are regressed
    end: float = 0.5  # share of the run from which on the flow has its whole share
    flow: float = 0.7  # of the samples, at uniform t; the others stay at t = 0

    def draw(self, rng: Generator, progress: float) -> float:
        """A time, for a sample at this share of the run."""
        ramp = np.clip((progress - self.begin) / max(self.end - self.begin, 1e-9), 0.0, 1.0)
        flows, t = rng.random() < self.flow * ramp, rng.random()
        return float(t) if flows else 0.0


def _run() -> RunSettings:
    return RunSettings(steps=24_000, batch=128)


@dataclass(frozen=True, slots=True)
class GeometrySettings:
    """Settings of the stages that train the geometry network."""

    run: RunSettings = field(default_factory=_run)
    embedder: EmbedderConfig = TINY.stage1_embedder
    geometry: GeometryConfig = TINY.geometry
    spread: Spread = field(default_factory=Spread)
    decoded: StructureWeights = field(default_factory=lambda: StructureWeights(divergence=0.0))
    decoded_share: float = 0.5  # weight of the decoded shape beside that of the latent; 0 decodes nothing
    decoder_trained: bool = True  # the decoder learns on from what is predicted; the encoder, and so the latent, stays
    rotation: float = 0.1
    translation: float = 1.0
    scale: float = 0.1
    mirrored: float = 0.5  # share of the samples that are seen as in a mirror
    prepared: bool = True  # on a CPU: work the targets of all views out once, and keep them on disk (0.8 MB a view)


class GeometryObjective(nn.Module):
    """Clean latents of shape and layout, under tokens of images and pointmaps and the observed volume."""

    def __init__(
        self, settings: GeometrySettings, structure: StructureObjective, read: ReadBatch | None = None
    ) -> None:
        """`structure` is trained, and its encoder stays as it is; `read` makes of a batch what is written at `forward`.

        Raises ValueError for a network that predicts velocities.
        """
        super().__init__()
        if settings.geometry.prediction != "clean":
            raise ValueError(f"prediction {settings.geometry.prediction!r}; this stage trains networks that say clean")
        self.settings, self.read = settings, read or dict
        self.embedder = ConditionEmbedder(settings.embedder)
        self.geometry = GeometryNetwork(settings.geometry)
        self.structure = structure.requires_grad_(False).eval()
        self.structure.decoder.requires_grad_(settings.decoder_trained and settings.decoded_share > 0)
        for unused in _unused(self.embedder):
            unused.requires_grad_(False)

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weighted terms of a batch.

        Images 0-255 [B, 3 or 1, S, S], pointmaps [B, 3, S, S] in cube units, `observed` [B, R, R, R] labels, the true
        `occupancy` and `distance` (`truth_fields`), `layout_*` [B, channels] and whether they are known
        (`layout_known` [B]); `noise_*` and `time` are from `PrepareGeometry`.
        """
        batch = mirrored(self.read(batch))
        truth = truth_fields(batch)
        with torch.no_grad():
            data = {SHAPE: self.structure.latent(truth), **layout_of(batch)}
        noise = {name: batch[f"noise_{name}"].float() for name in data}
        state = interpolate(data, noise, batch[_TIME].float())
        clean = self._predict(state, batch)
        terms = {"shape": squared_error(clean[SHAPE], data[SHAPE]).mean()}
        weights = self._layout_weights()
        known = batch["layout_known"].float()  # [B] objects whose frame is known
        for name in data.keys() - {SHAPE}:
            terms[name] = weights[name] * (squared_error(clean[name], data[name]) * known).mean()
        if self.settings.decoded_share > 0:
            terms |= self._decoded(clean[SHAPE], truth)
        return terms

    def sample(self, batch: Mapping[str, Tensor], sampler: SamplerConfig) -> dict[str, Tensor]:
        """Latents sampled for a batch, from its noise; `sampler.steps` of 1 is the regression.

        The batch is as `forward` describes it, after `read`.
        """
        with torch.no_grad():
            condition, observed = self.geometry.project(self._tokens(batch)), self._observe(batch)
        sizes = latent_sizes(self.settings.geometry)
        noise = {name: batch[f"noise_{name}"].float() for name in sizes}
        return integrate(geometry_velocity(self.geometry, condition, observed), noise, sampler)

    def _predict(self, state: Mapping[str, Tensor], batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        condition = self.geometry.project(self._tokens(batch))
        time = batch[_TIME].float() * TIME_SCALE
        told = None if self.geometry.d_embedder is None else torch.zeros_like(time)
        clean: dict[str, Tensor] = self.geometry.predict(state, time, condition, told, observed=self._observe(batch))
        return clean

    def _tokens(self, batch: Mapping[str, Tensor]) -> Tensor:
        return tokens_of(batch, self.embedder)

    def _observe(self, batch: Mapping[str, Tensor]) -> Tensor | None:
        return observation_of(batch, self.geometry)

    def _layout_weights(self) -> dict[str, float]:
        settings = self.settings
        return {
            ROTATION: settings.rotation,
            "translation": settings.translation,
            "scale": settings.scale,
            "translation_scale": 0.0,  # has no say in a pose
        }

    def _decoded(self, latent: Tensor, truth: Mapping[str, Tensor]) -> dict[str, Tensor]:
        fields = self.structure.decode(latent)
        terms = structure_losses(fields.logits, fields.distance, truth, self.settings.decoded)
        return {f"decoded_{name}": self.settings.decoded_share * term for name, term in terms.items()}


def tokens_of(batch: Mapping[str, Tensor], embedder: ConditionEmbedder) -> Tensor:
    """Condition tokens [B, L, C] of a batch's images and pointmaps."""
    inputs = {name: batch[name].float() / 255 for name in BYTE_IMAGES}
    inputs |= {name: batch[name].float() for name in POINTMAPS}
    tokens: Tensor = embedder(inputs)
    return tokens


def observation_of(batch: Mapping[str, Tensor], network: GeometryNetwork) -> Tensor | None:
    """What the network reads off a batch's observed volumes, [B, grid^3, width]; None where it reads none."""
    return None if network.observed_encoder is None else network.observe(batch[OBSERVED])


def layout_of(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The layout latents [B, 1, channels] of a batch, in which they are [B, channels]."""
    return {name: batch[f"layout_{name}"][:, None].float() for name in LAYOUT_CHANNELS}


def _unused(embedder: ConditionEmbedder) -> list[nn.Parameter]:
    """Parameters that the published files have and nothing reads."""
    return [vit.backbone.mask_token for vit in embedder.module_list if hasattr(vit, "backbone")]


@dataclass(frozen=True, slots=True)
class PrepareGeometry:
    """The time of a sample, its noise and whether it is mirrored, from the random numbers of its position."""

    sizes: Mapping[str, tuple[int, int]]  # tokens and channels of each latent
    spread: Spread
    mirrored: float = 0.0  # share of the samples

    def __call__(self, sample: Sample, rng: Generator, progress: float) -> Sample:
        """The sample with `time` and `noise_*`, and with `mirror` where samples are mirrored at all."""
        time = np.float32(self.spread.draw(rng, progress))
        noise = {f"noise_{name}": rng.standard_normal(self.sizes[name], np.float32) for name in sorted(self.sizes)}
        drawn = {**sample, _TIME: time, **noise}
        return drawn if self.mirrored == 0 else drawn | {MIRROR: rng.random() < self.mirrored}
