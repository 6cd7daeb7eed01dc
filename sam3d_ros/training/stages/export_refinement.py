"""What the stages of structured latents leave for a weights folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from ...model.config import Sam3dConfig
from .latents_run import NAME as LATENTS
from .latents_run import load_latents
from .refinement import NAME as REFINEMENT
from .refinement import RefinementObjective, RefinementSettings
from .results import is_finished, read_settings_of, read_weights

SECOND_STAGES = (LATENTS, REFINEMENT)


def is_refined(runs: Path) -> bool:
    """Whether both stages are finished."""
    return all(is_finished(runs / name) for name in SECOND_STAGES)


def second_stage(runs: Path, config: Sam3dConfig) -> tuple[Sam3dConfig, dict[str, Mapping[str, Tensor]]]:
    """The config with the sizes of stage 2, and the tensors of its parts by the names of `PARTS`.

    Raises TrainingError where one of the stages is not finished.
    """
    settings = read_settings_of(runs / REFINEMENT, RefinementSettings)
    objective = RefinementObjective(settings, load_latents(runs))
    read_weights(runs / REFINEMENT, objective)
    latents = objective.latents
    sized = replace(
        config,
        stage2_embedder=settings.embedder,
        refinement=settings.refinement,
        mesh=latents.settings.decoder,
        gaussians=latents.settings.gaussians,
        slat_mean=tuple(latents.latent_mean.tolist()),
        slat_std=tuple(latents.latent_std.tolist()),
    )
    return sized, {
        "stage2_embedder": objective.embedder.state_dict(),
        "refinement": objective.refinement.state_dict(),
        "mesh_decoder": latents.decoder.state_dict(),
        "gaussian_decoder": latents.gaussians.state_dict(),
    }
