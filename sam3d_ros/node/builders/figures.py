"""Figures as the text values of diagnostics."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import KeyValue


def build_key_values(figures: Mapping[str, object]) -> list[KeyValue]:
    """One KeyValue for each figure, in order: numbers short, NaN and None as `unknown`, truth as yes or no."""
    return [KeyValue(key=key, value=figure_text(value)) for key, value in figures.items()]


def figure_text(value: object) -> str:
    """How a figure is written."""
    if value is None or (isinstance(value, float) and value != value):
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
