"""The published checkpoint folder turned into a weights folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..config import Sam3dConfig
from .checkpoints import SUFFIXES, read_checkpoint
from .checks import differences, refuse_differences, shapes_of
from .errors import WeightsError
from .fields import YamlReport, check_yaml_files
from .manifest import SAM_LICENCE, Manifest
from .parts import FILES, PARTS, published_specs
from .paths import require_folder
from .writing import Description, Progress, Source, write_weights

REMEDY = "Get all files of the folder again, in one version (docs/weights.md)"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    manifest: Manifest
    yaml: YamlReport


def import_weights(
    folder: Path,
    output: Path,
    *,
    dtype: str = "float16",
    config: Sam3dConfig | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Check everything in a published folder and write it to the new folder `output`.

    WeightsError says in one line all that is missing or differs; nothing is written then.
    """
    config = config or Sam3dConfig()
    paths = find_checkpoints(folder)
    report = check_yaml_files(folder, config)
    checkpoints = {stem: read_checkpoint(path) for stem, path in paths.items()}
    check_keys({paths[stem].name: checkpoints[stem] for stem in FILES}, config)
    parts = {name: _source(paths[part.file].name, checkpoints[part.file], part.prefix) for name, part in PARTS.items()}
    sources = {path.name: path.stat().st_size for path in paths.values()}
    origin = f"imported from {', '.join(sources)}"
    manifest = write_weights(output, parts, Description(config, dtype, origin, SAM_LICENCE, sources), progress=progress)
    return Imported(manifest, report)


def find_checkpoints(folder: Path) -> dict[str, Path]:
    """File stem -> path of all six files; WeightsError names what is missing and where it lies instead."""
    found = published_files(folder)
    missing = [stem for stem in FILES if stem not in found]
    if len(missing) == len(FILES):
        raise WeightsError(f"{folder}: none of {_names(FILES)} is here; {_elsewhere(folder)}")
    if missing:
        raise WeightsError(f"{folder}: {_names(missing)} missing. {REMEDY}")
    return found


def published_files(folder: Path) -> dict[str, Path]:
    """File stem -> path of the published files that are in a folder."""
    require_folder(folder, "the folder with ss_generator.ckpt and pipeline.yaml")
    found: dict[str, Path] = {}
    try:
        for path in sorted(folder.iterdir()):
            if path.stem not in FILES or path.suffix not in SUFFIXES:
                continue
            if path.stem in found:
                raise WeightsError(f"{folder}: both {found[path.stem].name} and {path.name}; keep one of them")
            found[path.stem] = path
    except OSError as error:
        raise WeightsError(f"{folder}: cannot be read ({error.strerror})") from error
    return found


def check_keys(checkpoints: Mapping[str, Mapping[str, Tensor]], config: Sam3dConfig) -> None:
    """Compare files, by name with suffix, with the keys and shapes of the config; WeightsError with all differences."""
    specs = published_specs(config)
    found = (
        differences(file, {key: spec.shape for key, spec in specs[Path(file).stem].items()}, shapes_of(tensors))
        for file, tensors in checkpoints.items()
    )
    refuse_differences(found, REMEDY)


def _source(file: str, tensors: Mapping[str, Tensor], prefix: str) -> Source:
    return Source(file, prefix, lambda key: tensors[prefix + key])


def _names(stems: Iterable[str]) -> str:
    return ", ".join(f"{stem}.ckpt" for stem in stems)


def _elsewhere(folder: Path) -> str:
    inside = [path.parent for path in sorted(folder.glob("*/ss_generator.*"))]
    inside += [path.parent for path in sorted(folder.glob("*/*/ss_generator.*"))]
    return f"give {inside[0]}" if inside else "give the folder with the downloaded checkpoints (docs/weights.md)"
