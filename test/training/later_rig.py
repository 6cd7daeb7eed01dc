"""A finished geometry of toy size on toy views, for the stages that come after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from training_shapes import Shapes, Views

from sam3d_ros.model import SMALL
from sam3d_ros.model.config import ObservedConfig, StructureDecoderConfig
from sam3d_ros.training.data.arranging import SceneKind
from sam3d_ros.training.engine.budget import Budget
from sam3d_ros.training.engine.devices import make_fabric
from sam3d_ros.training.engine.settings import OptimiserSettings, RunSettings
from sam3d_ros.training.stages.conditioned import ConditionedGeometry
from sam3d_ros.training.stages.geometry import GeometrySettings
from sam3d_ros.training.stages.geometry_run import ViewData
from sam3d_ros.training.stages.results import write_result
from sam3d_ros.training.stages.structure import StructureObjective, StructureSettings
from sam3d_ros.training.stages.workplace import Workplace

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
VIEWS = 12
RUN = RunSettings(
    steps=4,
    batch=4,
    workers=0,
    log_every=2,
    picture_every=3,
    precision="32-true",
    optimiser=OptimiserSettings(warm_up=1),
)


def workplace(runs: Path) -> Workplace:
    """Toy views, and finished structure and geometry stages."""
    write_start(runs)
    return toy_work(runs)


def write_start(runs: Path) -> None:
    """Finished structure and geometry stages."""
    torch.manual_seed(0)
    structure = StructureObjective(STRUCTURE)
    for name, objective, settings in (
        ("structure", structure, STRUCTURE),
        ("geometry", ConditionedGeometry(SETTINGS, structure), SETTINGS),
    ):
        (runs / name).mkdir(parents=True, exist_ok=True)
        write_result(runs / name, objective, settings)


def toy_work(runs: Path) -> Workplace:
    """Toy views, every third of an isolated object."""
    kinds = np.array([SceneKind.ISOLATED, SceneKind.CLUTTER, SceneKind.CAMERA, SceneKind.CAMERA] * (VIEWS // 4))
    return Workplace(
        make_fabric("32-true"), ViewData(Views(Shapes(VIEWS)), Views(Shapes(3)), None), kinds, runs, "32-true"
    )


class StopsAfter(Budget):
    """Spent after it was asked so many times."""

    def __init__(self, times: int):
        super().__init__(None)
        self.times_left = times

    @property
    def spent(self):
        self.times_left -= 1
        return self.times_left < 0
