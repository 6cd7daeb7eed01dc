"""The published yaml files: read as plain data and compared with what this implementation does.

Nothing is instantiated. A field that changes results and differs is refused; fields that only training or the original
program reads are passed over; a field that is not known here is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..config import Sam3dConfig
from .errors import WeightsError
from .supported import FILES, LeftOut, supported_fields

_LARGEST = 1 << 20  # bytes
_DEEPEST = 40
# Names of fields, or of what they stand below, of training, of file names, and of what the pipeline sets itself. The
# sampler's numbers in the generators' files are of this kind: the program replaces them by those of pipeline.yaml.
_PASSED_OVER = frozenset(
    (
        *(f"{stem}_{kind}_path" for stem in FILES for kind in ("config", "ckpt")),
        "dtype", "version", "pad_size", "compile_model", "rendering_engine", "depth_model", "decode_formats",
        "dropout_prob", "drop_modalities_weight", "freeze", "freeze_d_time_embedder", "freeze_shared_parameters",
        "loss_weights", "self_consistency_cfg_strength", "self_consistency_prob", "shortcut_loss_weight", "batch_mode",
        "ratio_cfg_samples_in_self_consistency_target", "cfg_modalities", "training_time_sampler_fn", "p_unconditional",
        "inference_steps", "rescale_t", "strength", "interval", "use_checkpoint", "use_fp16", "condition_embedder",
        "2d_filter_kernel_size", "_partial_",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class YamlReport:
    """What was found beside the checkpoints."""

    read: tuple[str, ...]  # file names
    absent: tuple[str, ...]  # file names; the released numbers are taken
    unknown: tuple[str, ...]  # `file: field = value`, not looked at


def check_yaml_files(folder: Path, config: Sam3dConfig) -> YamlReport:
    """Compare every yaml file that is there; WeightsError lists all that differs, by file, field and value."""
    present = [stem for stem in FILES if (folder / f"{stem}.yaml").exists()]
    wrong: list[str] = []
    unknown: list[str] = []
    for stem in present:
        fields = read_fields(folder / f"{stem}.yaml")
        supported = supported_fields(stem, config)
        wrong += (f"{stem}.yaml: {line}" for line in _differing(supported, fields))
        unknown += (f"{stem}.yaml: {name} = {fields[name]!r}" for name in fields if not _known(name, supported))
    if wrong:
        raise WeightsError(f"not the supported model: {'; '.join(wrong)}. Use the released files, all of one version")
    return YamlReport(
        read=tuple(f"{stem}.yaml" for stem in present),
        absent=tuple(f"{stem}.yaml" for stem in FILES if stem not in present),
        unknown=tuple(unknown),
    )


def read_fields(path: Path) -> dict[str, object]:
    """Dotted path -> plain value, positions in a list as numbers. Of a `_target_` only the name of the class is kept.

    What holds no further names is one value: a number, a text, a list of such.
    """
    content = _plain(path)
    if not isinstance(content, dict):
        raise WeightsError(f"{path}: holds {type(content).__name__}, expected named fields; get the original file")
    return dict(_leaves(content, ()))


def _plain(path: Path) -> object:
    text = _text(path)
    try:
        _refuse_endless(text)
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise WeightsError(f"{path}: no plain yaml ({' '.join(str(error).split())}); get the original file") from error


def _refuse_endless(text: str) -> None:
    """Raise ValueError where reading could take for ever; the released files have no alias and little depth."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
            raise ValueError(f"an alias, or more than {_DEEPEST} levels")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise WeightsError(f"{path}: larger than {_LARGEST} bytes, no configuration; get the original file")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise WeightsError(f"{path}: no text ({error}); get the original file") from error


def _leaves(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    if not _holds_names(value):
        is_class = path[-1] == "_target_" and isinstance(value, str)
        yield ".".join(path), str(value).rpartition(".")[2] if is_class else value
        return
    for name, child in value.items() if isinstance(value, dict) else enumerate(value):  # type: ignore[arg-type]
        yield from _leaves(child, (*path, str(name)))


def _holds_names(value: object) -> bool:
    return bool(value) and (
        isinstance(value, dict) or (isinstance(value, list) and any(_holds_names(child) for child in value))
    )


def _differing(supported: Mapping[str, object], fields: Mapping[str, object]) -> Iterator[str]:
    for name, entry in supported.items():
        value = entry.means if isinstance(entry, LeftOut) else entry
        if name in fields:
            if not _same(fields[name], value):
                yield f"{name} is {fields[name]!r}, supported is {value!r}"
        elif not isinstance(entry, LeftOut):
            yield f"{name} is absent, supported is {value!r}"


def _same(found: object, supported: object) -> bool:
    if isinstance(supported, list):
        return isinstance(found, list) and len(found) == len(supported) and all(map(_same, found, supported))
    if isinstance(supported, bool) or not isinstance(supported, int | float):
        return type(found) is type(supported) and found == supported
    return type(found) in (int, float) and abs(float(str(found)) - supported) <= 1e-6 * abs(supported)


def _known(name: str, supported: Mapping[str, object]) -> bool:
    return name in supported or not _PASSED_OVER.isdisjoint(name.split("."))
