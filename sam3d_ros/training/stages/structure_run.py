"""The structure stage as a run: data, training, the scale of its latents, figures on objects that were held out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ..data.store import ObjectStore
from ..engine.budget import Budget
from ..engine.devices import make_fabric
from ..engine.errors import TrainingError
from ..engine.loading import Prepare, Samples
from ..engine.positions import rng_at
from ..engine.settings import read_settings
from ..engine.trainer import Outcome, Stage, Trainer
from .fields import truth_fields
from .measure import ShapeFigures, batch_figures, measured_numbers, write_figures
from .pictures import slices
from .results import read_settings_of, read_weights, write_result
from .shapes import RESOLUTION, PrepareShape, ShapeTargets, StoredShapes
from .structure import StructureObjective, StructureSettings
from .tables import ObjectTable

NAME = "structure"
FIGURES = "figures.json"
_SCALED_BY = 64  # samples from which the latents' scale is taken
_MEASURED = 128  # samples
_HELD_OUT = 20  # one object of so many, where the store has no split of its own


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Where a run finds its settings and data and leaves its results."""

    config: Path | None  # None: the defaults
    data: Path  # folder with `objects`
    runs: Path
    changes: Mapping[str, str]  # of settings, by dotted name


def train_structure(place: RunPlace, budget: Budget) -> Outcome:
    """Train, or go on; once all steps are done write weights and figures. Raises TrainingError."""
    settings = read_settings(place.config, StructureSettings, place.changes)
    torch.manual_seed(settings.run.seed)
    fabric = make_fabric(settings.run.precision)
    data = shapes_of(place.data / "objects", fabric.device)
    folder, objective = place.runs / NAME, StructureObjective(settings, data.read)
    prepare = _prepare(settings)
    stage = Stage(NAME, objective, data.train, prepare, lambda module: _pictures(module, data.held_out, prepare))
    trainer = Trainer(stage, settings.run, folder, fabric)
    outcome = trainer.run(budget)
    if outcome.finished and fabric.global_rank == 0:
        with trainer.average.applied(objective):
            objective.measure_scale(_fields(objective, data.train, prepare, range(min(_SCALED_BY, len(data.train)))))
            _measure(objective, data.held_out, prepare, folder)
            write_result(folder, objective, settings)  # last: it says that the stage is finished
    return outcome


def load_structure(runs: Path) -> StructureObjective:
    """The trained structure stage. Raises TrainingError where it is not finished."""
    objective = StructureObjective(read_settings_of(runs / NAME, StructureSettings))
    read_weights(runs / NAME, objective)
    return objective


@dataclass(frozen=True, slots=True, eq=False)
class ShapeData:
    """Shapes to train on and shapes that are held out, and what makes fields of a batch of them."""

    train: Samples
    held_out: Samples
    read: ShapeTargets


def shapes_of(objects: Path, device: torch.device) -> ShapeData:
    """The stored objects of a folder. Raises TrainingError without enough of them."""
    try:
        store = ObjectStore(objects)
    except FileNotFoundError as error:
        raise TrainingError(str(error)) from error
    train, held_out = store.ids("train"), store.ids("val")
    if not held_out:
        held_out, train = train[::_HELD_OUT], [name for k, name in enumerate(train) if k % _HELD_OUT]
    if not train:
        raise TrainingError(f"{objects}: {len(store.records)} objects are too few to train on; make more")
    ids = tuple(store.ids())
    shapes, others = (StoredShapes.of(store, ids, chosen) for chosen in (train, held_out))
    return ShapeData(shapes, others, ShapeTargets(ObjectTable.of(store, ids, device)))


def _prepare(settings: StructureSettings) -> PrepareShape:
    tokens = (RESOLUTION // settings.encoder_stem // 2 ** (len(settings.encoder_widths) - 1)) ** 3
    return PrepareShape(tokens, settings.decoder.channels)


def _fields(
    objective: StructureObjective, samples: Samples, prepare: Prepare, numbers: Sequence[int]
) -> dict[str, Tensor]:
    batch = default_collate([prepare(samples[number], rng_at(0, number), 1.0) for number in numbers])
    return truth_fields(objective.read({name: x.to(objective.latent_scale.device) for name, x in batch.items()}))


def _pictures(objective: StructureObjective, samples: Samples, prepare: Prepare) -> dict[str, Tensor]:
    """Middle slices of a few shapes: truth above, decoded below."""
    truth = _fields(objective, samples, prepare, range(min(8, len(samples))))
    with torch.no_grad():
        decoded = objective.decode(objective.latent(truth))
    return {"occupancy": slices(truth["occupancy"], decoded.logits.sigmoid())}


def _measure(objective: StructureObjective, samples: Samples, prepare: Prepare, folder: Path) -> None:
    started = time.monotonic()
    figures = list(reconstruction_figures(objective, samples, prepare, _MEASURED))
    about: dict[str, float | str] = {"stage": NAME, "what": "reconstruction", "seconds": time.monotonic() - started}
    write_figures(folder / FIGURES, figures, about)


def reconstruction_figures(
    objective: StructureObjective, samples: Samples, prepare: Prepare, count: int
) -> Iterator[ShapeFigures]:
    """Figures of shapes that went through the latent and back, of samples spread over all that there are."""
    for numbers in measured_numbers(len(samples), count):
        truth = _fields(objective, samples, prepare, numbers)
        with torch.no_grad():
            decoded = objective.decode(objective.latent(truth))
        yield from batch_figures(decoded, truth)
