"""What goes wrong in a training run for reasons that its user can mend."""

from __future__ import annotations


class TrainingError(ValueError):
    """Settings, data or checkpoints that cannot be used; the message says what to do."""
