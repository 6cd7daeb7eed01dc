"""The console command `sam3d-ros`: one module per verb, each with `add_arguments(parser)` and `run(arguments)`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..waiting_threads import wait_briefly

# Verb -> what it is for. Each verb is the module of its name in this folder, imported only when it is called.
VERBS = {
    "demo": "replay a synthetic tabletop scene through the real node and write a report with pictures",
    "reconstruct": "turn frame folders into meshes and poses",
    "replay": "run a bag through the pipeline or the node",
    "view": "show a bag or the running node in the browser",
    "evaluate": "compare with ground truth and write a report",
    "export": "write a frame's results as a scene for simulators and planners",
    "train": "train the model's stages on data made on demand",
    "weights": "import, inspect or make up the weights of the model",
    "doctor": "say what is installed, what is missing and how to get it",
}


class UsageError(ValueError):
    """Bad input of the user: printed as one line, exit status 2."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; 0 when done, 2 for bad input with one clear line on standard error."""
    wait_briefly()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parsed = _parser(arguments[:1]).parse_args(arguments)
    try:
        status = int(importlib.import_module(f".{parsed.verb}", __name__).run(parsed))
        sys.stdout.flush()
    except UsageError as error:
        print(f"sam3d-ros {parsed.verb}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read our output, `head` for one, has enough of it. What is left must not be written at the exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _parser(first: list[str]) -> argparse.ArgumentParser:
    """The parser, with the arguments of the verb in use only, so that `--help` imports nothing heavy."""
    parser = argparse.ArgumentParser(prog="sam3d-ros", description=(__doc__ or "").split(":")[0])
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb, purpose in VERBS.items():
        subparser = verbs.add_parser(verb, help=purpose, description=purpose)
        if first == [verb]:
            importlib.import_module(f".{verb}", __name__).add_arguments(subparser)
    return parser
