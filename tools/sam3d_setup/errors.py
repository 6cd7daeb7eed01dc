"""The one exception of the set-up."""

from __future__ import annotations


class SetupError(RuntimeError):
    """The set-up cannot go on; the message says what is wrong and what to do about it."""
