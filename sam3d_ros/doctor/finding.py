"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How a finding bears on the main job: images in, objects out of the node."""

    OK = "ok"
    # Something can be had in addition; the main job works without it.
    OPTIONAL = "optional"
    # The main job does not work.
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was found, and the command that brings what is missing."""

    group: str
    name: str
    state: State
    detail: str
    remedy: str = ""
