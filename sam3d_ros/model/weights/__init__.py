"""Weights: published checkpoints in, weights folders out, and loading for inference without executing anything."""

from .errors import MissingPartError, WeightsError
from .importing import Imported, import_weights
from .inspection import Inspection, inspect_weights
from .loading import WeightsFolder, load_weights
from .manifest import Manifest
from .model import Sam3dModel
from .official import load_official
from .parts import FILES, PARTS, published_specs
from .random_weights import write_random_weights
from .shards import TensorSpec
from .writing import Description, Source, write_weights

__all__ = [
    "FILES",
    "PARTS",
    "Description",
    "Imported",
    "Inspection",
    "Manifest",
    "MissingPartError",
    "Sam3dModel",
    "Source",
    "TensorSpec",
    "WeightsError",
    "WeightsFolder",
    "import_weights",
    "inspect_weights",
    "load_official",
    "load_weights",
    "published_specs",
    "write_random_weights",
    "write_weights",
]
