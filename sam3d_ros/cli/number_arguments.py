"""Numbers of the command line: argparse types that say what is allowed."""

from __future__ import annotations

import argparse


def positive(text: str) -> float:
    """A number above 0 of the command line."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return value


def count(text: str) -> int:
    """A whole number from 1 of the command line."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text}")
    return value
