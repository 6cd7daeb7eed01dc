"""The living objects and their ids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ..geometry import SE3
from ..pipeline.registration import RegistrationTarget
from .motion import Motion
from .scene import ObjectState, SceneObject
from .steadying import Steadied


@dataclass(slots=True, eq=False)
class Track:
    """What is remembered of one object from frame to frame."""

    current: SceneObject
    target: RegistrationTarget | None  # None while only the coarse mesh is known
    last_seen_ns: int
    seen_area: float  # m2, see `MaskView.area`, in the frame in which its mesh was made or last tried
    bad_frames: int = 0  # in a row, in which its pose could not be settled
    better_frames: int = 0  # in a row, in which much more of it was seen
    motion: Motion = field(default_factory=Motion)  # in the reference frame
    usual_score: float = 0.0  # of its fits; a much lower one means that the pose is wrong
    steadied: Steadied | None = None  # the pose as averaged at rest; None before it was followed

    @property
    def object_id(self) -> int:
        return self.current.object_id

    def expected(self, stamp_ns: int) -> SE3:
        """T_ref_obj at this time, if it goes on as it moved when it was last measured."""
        return self.motion.ahead(self.current.T_ref_obj, (stamp_ns - self.current.stamp_ns) * 1e-9)


class ObjectTable:
    """Objects by id. Ids go up from `first_id`; none is given twice while the table lives, also not after `clear`."""

    def __init__(self, first_id: int = 1) -> None:
        self._tracks: dict[int, Track] = {}
        self._last_id = first_id - 1

    def __len__(self) -> int:
        return len(self._tracks)

    def __iter__(self) -> Iterator[Track]:
        return iter(list(self._tracks.values()))

    @property
    def objects(self) -> tuple[SceneObject, ...]:
        """All living objects, ascending by id."""
        return tuple(track.current for _, track in sorted(self._tracks.items()))

    def new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def get(self, object_id: int) -> Track | None:
        return self._tracks.get(object_id)

    def put(self, track: Track) -> None:
        self._tracks[track.object_id] = track

    def remove(self, object_id: int) -> None:
        del self._tracks[object_id]

    def clear(self) -> tuple[int, ...]:
        """Forget all objects; returns their ids."""
        removed = tuple(sorted(self._tracks))
        self._tracks.clear()
        return removed

    def age(self, stamp_ns: int, *, seen: set[int], max_age_s: float) -> tuple[int, ...]:
        """Mark objects that are not in `seen` as unseen, and remove those unseen for too long; returns their ids."""
        removed = []
        for track in self:
            if track.object_id in seen:
                continue
            if (stamp_ns - track.last_seen_ns) * 1e-9 > max_age_s:
                removed.append(track.object_id)
                self.remove(track.object_id)
            else:
                track.current = replace(track.current, state=ObjectState.UNSEEN)
        return tuple(removed)

    def make_room(self, max_objects: int, *, stamp_ns: int) -> tuple[int, ...]:
        """Remove objects not seen at `stamp_ns`, those gone longest first, until at most `max_objects` live.

        Returns their ids.
        """
        unseen = sorted((t for t in self if t.last_seen_ns != stamp_ns), key=lambda t: (t.last_seen_ns, t.object_id))
        surplus = [track.object_id for track in unseen[: max(0, len(self) - max_objects)]]
        for object_id in surplus:
            self.remove(object_id)
        return tuple(surplus)
