"""Procedural objects by family and seed."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from ...geometry import Mesh
from ...geometry.sampling import sample_surface
from .design import Design
from .families import FAMILIES
from .meshing import MeshingConfig, mesh_solid
from .objects import DENSE, Dense, ObjectRecord, write_object

HELD_OUT_FAMILIES = ("teapot", "watering_can", "headphones", "clamp", "elephant", "gable_carton")
HELD_OUT_SEEDS = 12  # every 12th seed of the other families is for validation


def design_of(family: str, seed: int) -> Design:
    """The design of this seed; raises KeyError for a family that is not in FAMILIES."""
    if family not in FAMILIES:
        raise KeyError(f"no family {family!r}: choose from {', '.join(FAMILIES)}")
    return FAMILIES[family](np.random.default_rng([zlib.crc32(family.encode()), seed]))


def draw_mesh(design: Design, config: MeshingConfig | None = None) -> tuple[Mesh, np.ndarray]:
    """Mesh centred on its box with vertex colours, and the centre [3] in the frame of the design."""
    vertices, faces = mesh_solid(design.shape, config)
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    colors = np.clip(design.skin.albedo(vertices.astype(float)), 0, 1)
    return Mesh(vertices - centre, faces, np.rint(255 * colors).astype(np.uint8)), centre


def split_of(family: str, seed: int) -> str:
    """`train` or `val`: whole families and some seeds are kept away from training."""
    return "val" if family in HELD_OUT_FAMILIES or seed % HELD_OUT_SEEDS == HELD_OUT_SEEDS - 1 else "train"


def write_procedural(path: Path, family: str, seed: int) -> ObjectRecord:
    """Draws an object and writes it to its file."""
    design = design_of(family, seed)
    mesh, centre = draw_mesh(design)
    samples = sample_surface(mesh, DENSE, seed)
    colors = np.clip(design.skin.albedo(samples.points + centre), 0, 1)
    a, b, c = (float(size) for size in mesh.extents)
    record = ObjectRecord(path.stem, family, "procedural", split_of(family, seed), (a, b, c), "this project's")
    write_object(path, record, mesh, Dense(samples.points, samples.normals, colors), design.skin.finish)
    return record
