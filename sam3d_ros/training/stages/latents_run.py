"""The stage of structured latents as a run: placed objects, training, their scale, figures on objects held out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ..data.store import ObjectStore
from ..engine.budget import Budget
from ..engine.devices import make_fabric
from ..engine.errors import TrainingError
from ..engine.loading import Samples
from ..engine.positions import rng_at
from ..engine.settings import read_settings
from ..engine.trainer import Outcome, Stage, Trainer
from .latents import LatentsObjective, LatentsSettings
from .measure import measured_numbers, write_figures
from .pictures import slices
from .placed import PlacedTargets, PreparePlaced, SurfaceTable
from .refined_figures import RefinedFigures, decoded_figures, decoded_grids
from .results import read_settings_of, read_weights, write_result
from .structure_run import FIGURES, RunPlace, shapes_of

NAME = "latents"
_SCALED_BY = 32  # batches of one sample from which the latents' scale is taken
_MEASURED = 64  # samples
_PICTURED = 8


def train_latents(place: RunPlace, budget: Budget) -> Outcome:
    """Train, or go on; once all steps are done write weights and figures. Raises TrainingError."""
    settings = read_settings(place.config, LatentsSettings, place.changes)
    torch.manual_seed(settings.run.seed)
    fabric = make_fabric(settings.run.precision)
    train, held_out, targets = _data(place.data / "objects", settings, fabric.device)
    folder, objective = place.runs / NAME, LatentsObjective(settings, targets)
    stage = Stage(NAME, objective, train, settings.placed, lambda module: _pictures(module, held_out, settings.placed))
    trainer = Trainer(stage, settings.run, folder, fabric)
    outcome = trainer.run(budget)
    if outcome.finished and fabric.global_rank == 0:
        with trainer.average.applied(objective):
            several = ([number] for number in range(0, len(train), max(1, len(train) // _SCALED_BY)))
            objective.measure_scale(_batches(objective, train, settings.placed, several))
            figures = list(reconstruction_figures(objective, held_out, settings.placed, _MEASURED))
            write_figures(folder / FIGURES, figures, {"stage": NAME, "what": "reconstruction"})
            write_result(folder, objective, settings)  # last: it says that the stage is finished
    return outcome


def load_latents(runs: Path) -> LatentsObjective:
    """The trained stage. Raises TrainingError where it is not finished."""
    objective = LatentsObjective(read_settings_of(runs / NAME, LatentsSettings))
    read_weights(runs / NAME, objective)
    return objective


def reconstruction_figures(
    objective: LatentsObjective, samples: Samples, prepare: PreparePlaced, count: int
) -> Iterator[RefinedFigures]:
    """Figures of objects that went through their latents and back, of samples spread over all that there are."""
    for batch in _batches(objective, samples, prepare, measured_numbers(len(samples), count)):
        with torch.no_grad():
            truth, target = objective.truths(batch)
            voxels = truth.voxels
            fields = objective.decoder(objective.encoder(voxels, target.fields).mean)
        yield from decoded_figures(fields, voxels, truth, truth.distance, objective.resolution)


def _data(objects: Path, settings: LatentsSettings, device: torch.device) -> tuple[Samples, Samples, PlacedTargets]:
    if settings.decoder.field is None:
        raise TrainingError("decoder.field is null; this stage trains light decoders, give its cells")
    data, store = shapes_of(objects, device), ObjectStore(objects)
    surfaces = SurfaceTable.of(store, store.ids(), device)
    resolution, reach = settings.decoder.trunk.resolution, settings.decoder.field.reach
    return data.train, data.held_out, PlacedTargets(data.read.table, surfaces, resolution, reach)


def _batches(
    objective: LatentsObjective, samples: Samples, prepare: PreparePlaced, numbers: Iterable[Sequence[int]]
) -> Iterator[Mapping[str, Tensor]]:
    """Samples as a run would see them, each with random numbers of its own."""
    device = objective.latent_mean.device
    for chosen in numbers:
        batch = default_collate([prepare(samples[number], rng_at(0, number), 1.0) for number in chosen])
        yield {name: x.to(device) for name, x in batch.items()}


def _pictures(objective: torch.nn.Module, samples: Samples, prepare: PreparePlaced) -> dict[str, Tensor]:
    """Middle slices of a few objects: truth above, decoded below."""
    (batch,) = _batches(objective, samples, prepare, [range(min(_PICTURED, len(samples)))])
    with torch.no_grad():
        truth, target = objective.truths(batch)
        fields = objective.decoder(objective.encoder(truth.voxels, target.fields).mean)
    grids = decoded_grids(fields, truth.voxels, truth.distance, objective.resolution)
    size = truth.distance.shape[-1]
    pictured = torch.nn.functional.interpolate(grids[:, None], (size,) * 3)
    return {"distance": slices(0.5 - 0.5 * truth.distance, 0.5 - 0.5 * pictured)}
