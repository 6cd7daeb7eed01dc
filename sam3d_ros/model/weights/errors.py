"""What is raised when weights cannot be used."""

from __future__ import annotations


class WeightsError(ValueError):
    """Weights that cannot be used; the message is one line that names file, key and remedy."""


class MissingPartError(WeightsError, AttributeError):
    """A part was asked for whose weights were not given."""
