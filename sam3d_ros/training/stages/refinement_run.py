"""The refinement stage as a run: views, training, figures against stage 1's surface on views that were held out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ...model.config import SamplerConfig
from ..data.store import ObjectStore
from ..engine.budget import Budget
from ..engine.devices import make_fabric
from ..engine.errors import TrainingError
from ..engine.loading import Samples
from ..engine.positions import rng_at
from ..engine.settings import read_settings
from ..engine.trainer import Outcome, Stage, Trainer
from .conditioned import ConditionedGeometry, load_geometry
from .export import last_finished
from .first_stage import TRUTH, BentTruth, FirstStage, TrainedStage
from .latents import LatentsObjective
from .latents_run import load_latents
from .measure import measured_numbers, write_figures
from .pictures import slices
from .placed import SurfaceTable
from .refined_figures import ColouredSurface, RefinedFigures, decoded_grids, decoded_surfaces, surface_figures
from .refined_views import PrepareRefinement, RefinedViews, RefinementTargets
from .refinement import NAME, RefinementObjective, RefinementSettings
from .results import write_result
from .rule_colours import first_surface, hidden_points
from .structure_run import FIGURES, RunPlace
from .tables import ObjectTable
from .views import StoredViews

STEPS = (1, 4)  # with which held-out views are sampled; 1 is the regression
_SAMPLER = SamplerConfig(steps=4, rescale_t=1.0, guidance=0.0)
_MEASURED = 64  # views
_PICTURED = 8


def train_refinement(place: RunPlace, budget: Budget) -> Outcome:
    """Train, or go on; once all steps are done write weights and figures. Raises TrainingError."""
    settings = read_settings(place.config, RefinementSettings, place.changes)
    latents = load_latents(place.runs)
    torch.manual_seed(settings.run.seed)
    fabric = make_fabric(settings.run.precision)
    train, held_out, targets = _data(place, settings, latents, fabric.device)
    folder, objective = place.runs / NAME, RefinementObjective(settings, latents, targets)
    prepare = PrepareRefinement(settings.spread, settings.mirrored)
    plain = replace(prepare, mirrored=0.0)
    stage = Stage(NAME, objective, train, prepare, lambda module: _pictures(module, held_out, plain))
    trainer = Trainer(stage, settings.run, folder, fabric)
    outcome = trainer.run(budget)
    if outcome.finished and fabric.global_rank == 0:
        with trainer.average.applied(objective):
            for name, figures in all_figures(objective, held_out, plain).items():
                write_figures(folder / f"{name}-{FIGURES}", figures, {"stage": NAME, "surface": name})
            write_result(folder, objective, settings)  # last: it says that the stage is finished
    return outcome


def all_figures(
    objective: RefinementObjective, views: Samples, prepare: PrepareRefinement
) -> dict[str, list[RefinedFigures]]:
    """Figures of stage 1's surface with colours by rule, and of surfaces refined in few steps, on the same views."""
    found: dict[str, list[RefinedFigures]] = {"first": [], **{f"{steps}-steps": [] for steps in STEPS}}
    for numbers in measured_numbers(len(views), _MEASURED):
        seen, seeds = _views(objective, views, prepare, numbers)
        hidden = [hidden_points(seen, number) for number in range(len(seeds))]
        for number in range(len(seeds)):
            found["first"].append(surface_figures(first_surface(seen, number), seen.truth, number, hidden[number]))
        for steps in STEPS:
            surfaces = refined_surfaces(objective, seen, seeds, replace(_SAMPLER, steps=steps))
            for number, surface in enumerate(surfaces):
                found[f"{steps}-steps"].append(surface_figures(surface, seen.truth, number, hidden[number]))
    return found


def refined_surfaces(
    objective: RefinementObjective, seen: RefinedViews, seeds: Tensor, sampler: SamplerConfig
) -> Iterator[ColouredSurface]:
    """The coloured surface of each view, refined in the sampler's steps."""
    fields, voxels = objective.refined(seen, seeds, sampler), seen.truth.voxels
    resolution = objective.latents.resolution
    grids = decoded_grids(fields, voxels, seen.fields.distance, resolution)
    return decoded_surfaces(fields, voxels, grids, resolution)


def _data(
    place: RunPlace, settings: RefinementSettings, latents: LatentsObjective, device: torch.device
) -> tuple[StoredViews, StoredViews, RefinementTargets]:
    objects, views = place.data / "objects", place.data / "views"
    try:
        store = ObjectStore(objects)
        ids = tuple(store.ids())
        train, held_out = (StoredViews(views, split, ids) for split in ("train", "val"))
        _ = len(train), len(held_out)
    except FileNotFoundError as error:
        raise TrainingError(str(error)) from error
    field = latents.decoder.field
    targets = RefinementTargets(
        ObjectTable.of(store, ids, device),
        SurfaceTable.of(store, ids, device),
        _first_stage(place, settings, device),
        size=settings.embedder.vit.image_size,
        resolution=latents.resolution,
        reach=field.reach,
    )
    return train, held_out, targets


def _first_stage(place: RunPlace, settings: RefinementSettings, device: torch.device) -> FirstStage:
    if settings.start == TRUTH:
        return BentTruth()
    start = settings.start or last_finished(place.runs)
    objective = load_geometry(place.runs / start, place.runs, ConditionedGeometry)
    sampler = replace(_SAMPLER, steps=settings.start_steps)
    return TrainedStage(objective.requires_grad_(False).eval().to(device), sampler)


def _views(
    objective: RefinementObjective, samples: Samples, prepare: PrepareRefinement, numbers: range
) -> tuple[RefinedViews, Tensor]:
    device = next(objective.parameters()).device
    batch: Mapping[str, Tensor] = default_collate(
        [prepare(samples[number], rng_at(0, number), 1.0) for number in numbers]
    )
    batch = {name: x.to(device) for name, x in batch.items()}
    return objective.views(batch), batch["seed"]


def _pictures(objective: RefinementObjective, samples: Samples, prepare: PrepareRefinement) -> dict[str, Tensor]:
    """Middle slices of a few views: truth above, refined below."""
    seen, seeds = _views(objective, samples, prepare, range(min(_PICTURED, len(samples))))
    fields = objective.refined(seen, seeds, replace(_SAMPLER, steps=1))
    grids = decoded_grids(fields, seen.truth.voxels, seen.fields.distance, objective.latents.resolution)
    pictured = torch.nn.functional.interpolate(grids[:, None], seen.truth.distance.shape[2:])
    return {"distance": slices(0.5 - 0.5 * seen.truth.distance, 0.5 - 0.5 * pictured)}
