"""Settings of the laws: a busy machine is no reason to fail, and the same checkout always checks the same examples."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("laws", deadline=None, derandomize=True)
settings.load_profile("laws")
