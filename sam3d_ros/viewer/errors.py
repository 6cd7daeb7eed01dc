"""What keeps the viewer from starting."""

from __future__ import annotations


class ViewerError(RuntimeError):
    """The page cannot be served; the message says why and what to do."""
