"""The stages of one object, in their order."""

from __future__ import annotations

STAGES = ("observe", "support", "coarse", "symmetry", "shape", "finish", "color", "register")
