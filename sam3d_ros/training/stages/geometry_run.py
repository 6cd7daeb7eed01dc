"""The geometry stage as a run: views, training, figures of sampled shapes on views that were held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ...model.config import STAGE1_DISTILLED, SamplerConfig
from ...model.structure import SHAPE, StructureFields, latent_sizes
from ..data.store import ObjectStore
from ..engine.budget import Budget
from ..engine.devices import make_fabric
from ..engine.errors import TrainingError
from ..engine.loading import Samples
from ..engine.positions import rng_at
from ..engine.settings import read_settings
from ..engine.trainer import Outcome, Stage, Trainer
from .fields import ReadBatch, truth_fields
from .geometry import GeometryObjective, GeometrySettings, PrepareGeometry
from .measure import ShapeFigures, batch_figures, measured_numbers, write_figures
from .pictures import slices
from .prepared import prepare_views
from .results import write_result
from .structure_run import FIGURES, RunPlace, load_structure
from .tables import ObjectTable
from .views import StoredViews, ViewTargets

NAME = "geometry"
STEPS = (1, 4, 25)  # with which held-out views are sampled; 1 is the regression
_MEASURED = 128  # views
_SAMPLER = replace(STAGE1_DISTILLED, use_step_size=False, rescale_t=1.0)
_PICTURED = 8


def train_geometry(place: RunPlace, budget: Budget) -> Outcome:
    """Train, or go on; once all steps are done write weights and figures. Raises TrainingError."""
    settings = read_settings(place.config, GeometrySettings, place.changes)
    structure = load_structure(place.runs)
    torch.manual_seed(settings.run.seed)
    fabric = make_fabric(settings.run.precision)
    data = view_data(place, settings, fabric.device)
    folder = place.runs / NAME
    objective = GeometryObjective(settings, structure, data.read)
    prepare = PrepareGeometry(latent_sizes(settings.geometry), settings.spread, settings.mirrored)
    held_out = data.held_out
    stage = Stage(NAME, objective, data.train, prepare, lambda module: _pictures(module, held_out, prepare))
    trainer = Trainer(stage, settings.run, folder, fabric)
    outcome = trainer.run(budget)
    if outcome.finished and fabric.global_rank == 0:
        with trainer.average.applied(objective):
            for steps in STEPS:
                figures = sampled_figures(objective, held_out, prepare, steps)
                write_figures(folder / f"{steps}-steps-{FIGURES}", figures, {"stage": NAME, "steps": float(steps)})
            write_result(folder, objective, settings)  # last: it says that the stage is finished
    return outcome


def sampled_figures(
    objective: GeometryObjective, views: Samples, prepare: PrepareGeometry, steps: int
) -> list[ShapeFigures]:
    """Figures of shapes that were sampled for held-out views, spread over all that there are."""
    figures: list[ShapeFigures] = []
    for numbers in measured_numbers(len(views), _MEASURED):
        batch = _batch(objective, views, prepare, numbers)
        figures += batch_figures(_sampled(objective, batch, replace(_SAMPLER, steps=steps)), truth_fields(batch))
    return figures


@dataclass(frozen=True, slots=True, eq=False)
class ViewData:
    """Views to train on and views that are held out, and what makes of a batch of them what the objective reads."""

    train: Samples
    held_out: Samples
    read: ReadBatch | None


def view_data(place: RunPlace, settings: GeometrySettings, device: torch.device) -> ViewData:
    """The stored views; on a CPU with their targets prepared, where the settings say so. Raises TrainingError."""
    objects, views = place.data / "objects", place.data / "views"
    size = settings.embedder.vit.image_size
    try:
        store = ObjectStore(objects)
        ids = tuple(store.ids())
        train, held_out = (StoredViews(views, split, ids) for split in ("train", "val"))
        _ = len(train), len(held_out)
    except FileNotFoundError as error:
        raise TrainingError(str(error)) from error
    if settings.prepared and device.type == "cpu":
        folder, workers = place.data / f"prepared-{size}", max(1, settings.run.workers)
        parts = [prepare_views(part, objects, size, folder, workers=workers) for part in (train, held_out)]
        return ViewData(parts[0], parts[1], None)
    return ViewData(train, held_out, ViewTargets(ObjectTable.of(store, ids, device), size))


def _batch(
    objective: GeometryObjective, views: Samples, prepare: PrepareGeometry, numbers: range
) -> Mapping[str, Tensor]:
    device = next(objective.parameters()).device
    plain = replace(prepare, mirrored=0.0)
    batch = default_collate([plain(views[number], rng_at(0, number), 1.0) for number in numbers])
    return objective.read({name: x.to(device) for name, x in batch.items()})


def _sampled(objective: GeometryObjective, batch: Mapping[str, Tensor], sampler: SamplerConfig) -> StructureFields:
    """One sampled shape for each view."""
    latents = objective.sample(batch, sampler)
    with torch.no_grad():
        fields: StructureFields = objective.structure.decode(latents[SHAPE])
    return fields


def _pictures(objective: GeometryObjective, views: Samples, prepare: PrepareGeometry) -> dict[str, Tensor]:
    """Middle slices of shapes sampled in four steps: truth above, sample below."""
    batch = _batch(objective, views, prepare, range(min(_PICTURED, len(views))))
    sampled = _sampled(objective, batch, _SAMPLER)
    return {"occupancy": slices(truth_fields(batch)["occupancy"], sampled.logits.sigmoid())}
