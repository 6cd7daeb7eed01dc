"""`sam3d-ros weights`: the published checkpoints imported, weights inspected, random weights written."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from . import UsageError

if TYPE_CHECKING:
    from ..model.weights.inspection import Inspection
    from ..model.weights.manifest import Manifest

DTYPES = ("float16", "bfloat16", "float32")
_SIZES = ("small", "tiny", "official")
INTERRUPTED = 130  # as shells call a program that Ctrl-C ended


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Three actions, each with its own arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_import(actions.add_parser("import", help="check the published checkpoints and write a weights folder"))
    inspect = actions.add_parser("inspect", help="say what weights are, and whether they are whole")
    inspect.add_argument("path", type=Path, metavar="PATH", help="weights folder, published folder or one file of them")
    inspect.add_argument("--json", action="store_true", help="print the findings as JSON")
    random = actions.add_parser("random", help="write random weights, for benchmarks and tests; results mean nothing")
    random.add_argument("output", type=Path, metavar="OUT", help="new folder")
    random.add_argument("--config", choices=_SIZES, default="small", help="sizes (default small)")
    random.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the numbers (default 0)")
    _add_dtype(random)


def run(arguments: argparse.Namespace) -> int:
    """Run the action; 0 when done, 130 when interrupted."""
    from ..model.weights.errors import WeightsError

    try:
        _ACTIONS[arguments.action](arguments)
    except WeightsError as error:
        raise UsageError(" ".join(str(error).split())) from error
    except KeyboardInterrupt:
        print("sam3d-ros weights: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    return 0


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder with ss_generator.ckpt, pipeline.yaml, ...")
    parser.add_argument("--output", type=Path, metavar="OUT", help="new folder (default DIR-DTYPE beside DIR)")
    _add_dtype(parser)


def _add_dtype(parser: argparse.ArgumentParser) -> None:
    meaning = "of the linears and convolutions in the blocks; all others stay float32 (default float16)"
    parser.add_argument("--dtype", choices=DTYPES, default="float16", help=meaning)


def _import(arguments: argparse.Namespace) -> None:
    from ..model.weights import import_weights

    folder = arguments.folder.resolve()
    output = arguments.output or folder.parent / f"{folder.name}-{arguments.dtype}"
    with _progress("import") as progress:
        done = import_weights(arguments.folder, output, dtype=arguments.dtype, progress=progress)
    if done.yaml.absent:
        print(f"absent, so the released numbers are taken: {', '.join(done.yaml.absent)}", file=sys.stderr)
    for field in done.yaml.unknown:
        print(f"a field this version does not know, passed over: {field}", file=sys.stderr)
    _say_written(output, done.manifest)


def _random(arguments: argparse.Namespace) -> None:
    from ..model.config import SMALL, TINY, Sam3dConfig
    from ..model.weights import write_random_weights

    if not 0 <= arguments.seed < 2**31:
        raise UsageError(f"--seed must lie in 0..{2**31 - 1}, got {arguments.seed}")
    config = dict(zip(_SIZES, (SMALL, TINY, Sam3dConfig()), strict=True))[arguments.config]
    with _progress("random") as progress:
        manifest = write_random_weights(
            arguments.output, config, seed=arguments.seed, dtype=arguments.dtype, progress=progress
        )
    _say_written(arguments.output, manifest)


def _inspect(arguments: argparse.Namespace) -> None:
    from ..model.weights import inspect_weights

    def hashed(name: str) -> None:
        if sys.stderr.isatty():
            print(f"reading {name} ...", file=sys.stderr)

    found = inspect_weights(arguments.path, hashed=hashed)
    print(_as_json(found) if arguments.json else _as_text(found))


_ACTIONS: dict[str, Callable[[argparse.Namespace], None]] = {"import": _import, "inspect": _inspect, "random": _random}


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar of bytes on standard error, where that is a terminal."""
    with tqdm(desc=what, unit="B", unit_scale=True, file=sys.stderr, disable=not sys.stderr.isatty()) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


def _say_written(output: Path, manifest: Manifest) -> None:
    size = sum(shard.bytes for shard in manifest.parts.values())
    print(f"{output}: {len(manifest.parts)} parts, {size / 1e9:.2f} GB, {manifest.dtype}")
    print(f"licence: {manifest.licence}")


def _as_json(found: Inspection) -> str:
    content = dataclasses.asdict(found)
    for entry in content["entries"]:
        entry["check"] = entry["check"].value
    return json.dumps(content, indent=2)


def _as_text(found: Inspection) -> str:
    rows = [("part", "file", "tensors", "parameters", "bytes", "dtypes", "checked")]
    for entry in found.entries:
        numbers = (f"{entry.tensors}", f"{entry.parameters:,}", f"{entry.bytes:,}")
        rows.append((entry.name, entry.file, *numbers, "+".join(entry.dtypes), entry.check.value))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    table = [" ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    about = [f"{found.path}: {found.kind}", f"origin: {found.origin}", f"licence: {found.licence}"]
    return "\n".join([*about, *_config_lines(found.config), *table])


def _config_lines(config: dict[str, object] | None) -> list[str]:
    from ..model.config import Sam3dConfig
    from ..model.weights.config_file import config_to_json

    if config is None:
        return []
    published = config_to_json(Sam3dConfig())
    other = [f"  {name}: {json.dumps(value)}" for name, value in config.items() if value != published[name]]
    return ["config: other than the published one in", *other] if other else ["config: the published one"]
