"""`sam3d-ros doctor`: what is installed, what is missing, and the command that brings it."""

from __future__ import annotations

import argparse
import os
import sys

from ..doctor import as_json, as_text, examine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One option: the form of the answer."""
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the examination; 0 when the node can run, 1 with the reasons otherwise."""
    examination = examine()
    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(as_json(examination) if arguments.json else as_text(examination, color=color))
    return 1 if examination.missing else 0
