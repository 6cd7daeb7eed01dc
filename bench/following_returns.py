"""Objects that were hidden for a while: whether they were known to be gone, and how they came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from following_scenes import Instant

from sam3d_ros.tracking import ObjectState, SceneObject


@dataclass(frozen=True, slots=True)
class Return:
    """How an object came back from behind the board."""

    frames: int  # from the first that shows it to the first in which its pose is settled
    same_id: bool


@dataclass(slots=True)
class Absences:
    """What became of the objects of one sequence while they were hidden."""

    hidden_frames: int = 0  # without a pixel of the object behind the board
    claimed: int = 0  # of these, those in which it was said to be seen
    returns: list[Return] = field(default_factory=list)
    _gone: dict[int, int] = field(default_factory=dict)  # frames since they can be seen again, by number

    @property
    def never_back(self) -> int:
        """Objects that were hidden and not found again."""
        return len(self._gone)

    def note(self, instant: Instant, objects: Sequence[SceneObject], owners: Mapping[int, int]) -> None:
        """One more frame; `owners` are the numbers of the objects by the ids that were known before it."""
        shown = set(np.unique(instant.frame.labels).tolist())
        measured = {item.label: item for item in objects if _is_measured(item, instant)}
        for label, number in instant.names.items():
            if label not in shown and number == instant.behind_board:
                self._gone[number] = 0
                self.hidden_frames += 1
                self.claimed += any(owners.get(item.object_id) == number for item in measured.values())
            elif label in shown and number in self._gone:
                self._look_for(number, measured.get(label), owners)

    def _look_for(self, number: int, found: SceneObject | None, owners: Mapping[int, int]) -> None:
        if found is None:
            self._gone[number] += 1
            return
        self.returns.append(Return(self._gone.pop(number), owners.get(found.object_id) == number))


def told(absences: Sequence[Absences]) -> list[str]:
    """What is printed of them; nothing where no object was hidden."""
    returns = [item for absence in absences for item in absence.returns]
    if not returns:
        return []
    frames = [item.frames for item in returns]
    hidden, claimed = (sum(getattr(item, name) for item in absences) for name in ("hidden_frames", "claimed"))
    return [
        f"{len(returns)} came back from behind the board, {sum(item.same_id for item in returns)} under their id, "
        f"settled in the median {np.median(frames):.0f}, at worst {max(frames)} frames after they can be seen; "
        f"{sum(item.never_back for item in absences)} never did; said to be seen in {claimed} of {hidden} hidden frames"
    ]


def _is_measured(item: SceneObject, instant: Instant) -> bool:
    return item.state is not ObjectState.UNSEEN and item.stamp_ns == instant.frame.stamp_ns
