"""How steadily and how truly objects are followed from frame to frame, one row for each object id.

The pose of an object is looked at where it should stand still: in the true object's frame where the truth is known,
else in the frame of the poses, in which only what rests stands still. How a completed mesh lies in the true object is
read off at the frame in which the mesh was made; later frames are compared with that. Of poses that look the same, by
the symmetries of the truth, the one turned least counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...geometry import SE3
from ...tracking import ObjectState, SceneObject
from ..frames.results import FrameRecord
from ..truth.truth_object import TruthObject

Deviations = tuple[NDArray[np.float64], NDArray[np.float64]]  # metres [K] and radians [K]

_NAN = float("nan")
# The second difference of three independent readings of one place has six times their variance.
_SECOND_DIFFERENCE = 6.0
_EVEN = 0.2  # by how much one interval may be longer than the next, else steady motion would count


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One object id through a run; NaN where there are too few frames or no truth."""

    run: str
    object_id: int
    name: str
    category: str
    frames: int  # in which a mask showed it
    unseen: int  # frames in which it lived and no mask showed it
    meshes: int  # versions of its mesh
    switches: int  # times that it went over to another true object
    jitter_mm: float  # noise of the place of its centre from frame to frame, one standard deviation in space
    jitter_deg: float  # the same of its rotation
    spread_mm: float  # root mean square distance of its centre from its mean place in the true object
    spread_deg: float  # the same of its rotation
    drift_mm: float  # 95th percentile of how far its centre went in the true object since its mesh was made
    drift_deg: float  # the same of its rotation


@dataclass(slots=True)
class _Stay:
    """Poses of one mesh in the frame in which they should not change."""

    in_truth: bool
    centre: NDArray[np.float64]  # [3] of the mesh, object frame
    poses: list[SE3] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)  # numbers of the frames
    stamps_ns: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Track:
    name: str = ""
    category: str = ""
    frames: int = 0
    unseen: int = 0
    switches: int = 0
    owner: str | None = None  # the true object that it shows
    stays: dict[tuple[int, str | None], _Stay] = field(default_factory=dict)


class TrackRecorder:
    """Fed with the frames of a run in their order, all of them."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._frames = 0
        self._tracks: dict[int, _Track] = {}

    def add(self, record: FrameRecord) -> None:
        """Note where each object is said to be and, where it is known, where it is."""
        truth = {item.label: item for item in record.truth}
        for item in record.update.objects:
            track = self._tracks.setdefault(item.object_id, _Track())
            if item.state is ObjectState.UNSEEN:
                track.unseen += 1
            else:
                self._note(track, record, item, truth.get(item.label))
        self._frames += 1

    def _note(self, track: _Track, record: FrameRecord, item: SceneObject, truth: TruthObject | None) -> None:
        owner = truth.name if truth else None
        if owner is not None:
            track.switches += track.owner is not None and owner != track.owner
            track.owner = owner
        track.name = owner or track.name or (item.detection.class_id if item.detection else "")
        track.category = (truth.category if truth else "") or track.category or track.name
        track.frames += 1
        pose = truth.T_cam_obj.inverse() @ record.T_cam_obj(item) if truth else item.T_ref_obj
        centre = item.mesh.box_centre.astype(np.float64)
        stay = track.stays.setdefault((item.mesh_version, owner), _Stay(truth is not None, centre))
        if truth and stay.poses:
            pose = _nearest_turn(pose, stay.poses[0], truth.symmetries)
        stay.poses.append(pose)
        stay.frames.append(self._frames)
        stay.stamps_ns.append(record.frame.stamp_ns)

    def rows(self) -> tuple[TrackRow, ...]:
        """What came of each object, by id."""
        return tuple(self._row(object_id, track) for object_id, track in sorted(self._tracks.items()))

    def _row(self, object_id: int, track: _Track) -> TrackRow:
        stays = list(track.stays.values())
        true = [stay for stay in stays if stay.in_truth]
        jitter, spread, drift = _pooled(stays, _noise), _pooled(true, _from_mean), _ends(true)
        return TrackRow(
            run=self._run,
            object_id=object_id,
            name=track.name,
            category=track.category,
            frames=track.frames,
            unseen=track.unseen,
            meshes=len({version for version, _ in track.stays}),
            switches=track.switches,
            jitter_mm=jitter[0],
            jitter_deg=jitter[1],
            spread_mm=spread[0],
            spread_deg=spread[1],
            drift_mm=drift[0],
            drift_deg=drift[1],
        )


def _nearest_turn(pose: SE3, first: SE3, symmetries: Sequence[SE3]) -> SE3:
    """Of the poses in the true object that look the same, the one turned least from the first."""
    if len(symmetries) == 1:
        return pose
    alike = np.stack([turn.rotation for turn in symmetries]) @ pose.rotation
    nearest = int(np.einsum("kij,ij->k", alike, first.rotation).argmax())
    return symmetries[nearest] @ pose


def _noise(stay: _Stay) -> Deviations:
    """Second differences over frames that follow each other at even intervals, as single readings."""
    numbers, steps = np.array(stay.frames), np.diff(np.array(stay.stamps_ns, np.float64))
    even = np.abs(np.diff(steps)) <= _EVEN * np.maximum(steps[1:], steps[:-1])
    first = np.flatnonzero((numbers[2:] - numbers[:-2] == 2) & even)  # of three frames in a row
    places, turns = _places(stay), _turns(stay)
    metres = [np.linalg.norm(places[at] - 2 * places[at + 1] + places[at + 2]) for at in first]
    # The middle pose against half of the way between its neighbours: half of the second difference.
    radians = [2 * (_middle(turns[at], turns[at + 2]).inv() * turns[at + 1]).magnitude() for at in first]
    scale = np.sqrt(_SECOND_DIFFERENCE)
    return np.array(metres) / scale, np.array(radians) / scale


def _from_mean(stay: _Stay) -> Deviations:
    places, turns = _places(stay), _turns(stay)
    return np.linalg.norm(places - places.mean(axis=0), axis=1), (turns.mean().inv() * turns).magnitude()


def _from_first(stay: _Stay) -> Deviations:
    places, turns = _places(stay), _turns(stay)
    return np.linalg.norm(places[1:] - places[0], axis=1), (turns[0].inv() * turns[1:]).magnitude()


def _places(stay: _Stay) -> NDArray[np.float64]:
    return np.array([pose.apply(stay.centre[None])[0] for pose in stay.poses])


def _turns(stay: _Stay) -> Rotation:
    return Rotation.from_matrix([pose.rotation for pose in stay.poses])


def _middle(start: Rotation, end: Rotation) -> Rotation:
    return start * Rotation.from_rotvec((start.inv() * end).as_rotvec() / 2)


def _pooled(stays: Sequence[_Stay], measure: Callable[[_Stay], Deviations]) -> tuple[float, float]:
    """Root mean square over all stays of at least two poses: millimetres and degrees."""
    parts = [measure(stay) for stay in stays if len(stay.poses) > 1]
    return 1e3 * _rms([part[0] for part in parts]), float(np.degrees(_rms([part[1] for part in parts])))


def _rms(parts: Sequence[NDArray[np.float64]]) -> float:
    values = np.concatenate(parts) if parts else np.empty(0)
    return float(np.sqrt(np.mean(values**2))) if len(values) else _NAN


def _ends(stays: Sequence[_Stay]) -> tuple[float, float]:
    parts = [_from_first(stay) for stay in stays if len(stay.poses) > 1]
    if not parts:
        return _NAN, _NAN
    metres, radians = (np.concatenate(values) for values in zip(*parts, strict=True))
    return 1e3 * float(np.quantile(metres, 0.95)), float(np.degrees(np.quantile(radians, 0.95)))
