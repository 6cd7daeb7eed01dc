"""What a report needs of one run, a bag or a frame: measured and painted where it ran, put together elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...tracking import SceneUpdate
from ..frames.results import FrameRecord
from ..scores.rows import ObjectRow, RejectedRow, evaluate_record, rejected_rows
from ..scores.tracks import TrackRecorder, TrackRow
from .painting import FramePictures, ObjectPictures, PictureFolder
from .pictures.colours import label_color
from .plain_data import from_plain, to_plain

PART_FILE = "part.json"


@dataclass(frozen=True, slots=True)
class Subject:
    """One object with its pictures."""

    row: ObjectRow
    pictures: ObjectPictures
    color: str  # CSS

    @property
    def size_cm(self) -> str:
        """Edges of the box."""
        return " × ".join(f"{100 * extent:.1f}" for extent in self.row.extents_m)


@dataclass(frozen=True, slots=True)
class View:
    """One frame with its pictures."""

    name: str
    pictures: FramePictures
    objects: int
    rejected: tuple[RejectedRow, ...]
    wall_ms: float
    subjects: tuple[Subject, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """What went in and what was lost, of a bag."""

    received: Mapping[str, int] = field(default_factory=dict)  # messages by input
    dropped: Mapping[str, int] = field(default_factory=dict)  # by reason
    wall_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """One run of a report. Pictures are named relative to the folder that it was painted into."""

    name: str
    frames: int
    measured_frames: int
    true_objects: int  # with a mask in a measured frame
    sequence: bool  # objects live on from frame to frame
    rows: tuple[ObjectRow, ...]
    rejected: tuple[RejectedRow, ...]
    latency_ms: Mapping[str, tuple[float, ...]]  # samples by stage
    tracks: tuple[TrackRow, ...]  # of a sequence
    flow: Flow
    views: tuple[View, ...]
    unanswered: tuple[str, ...]  # frames with a mask that is neither object nor rejection: a defect
    notes: tuple[str, ...] = ()  # what the reader should know of this run


class PartBuilder:
    """Takes the frames of a run in their order; those with pictures are kept until the end, the others are not."""

    def __init__(self, name: str, folder: Path, *, baselines: bool = False) -> None:
        self._name = name
        self._folder = folder
        self._baselines = baselines
        self._rows: list[ObjectRow] = []
        self._rejected: list[RejectedRow] = []
        self._latency_ms: dict[str, list[float]] = {}
        self._versions: dict[int, int] = {}  # of the meshes that were made so far
        self._tracks = TrackRecorder(name)
        self._shown: list[FrameRecord] = []
        self._unanswered: list[str] = []
        self._frames = self._measured = self._true_objects = 0

    def add(self, record: FrameRecord, *, measure: bool, show: bool) -> None:
        """The next frame: with `measure` compared with the truth where it is known, with `show` painted."""
        measure = measure and bool(record.truth)
        self._frames += 1
        self._rows += evaluate_record(record, measure=measure, baselines=self._baselines)
        self._rejected += rejected_rows(record)
        self._tracks.add(record)
        if record.unanswered_labels():
            self._unanswered.append(record.name)
        self._note_latencies(record)
        if measure:
            labels = set(record.frame.instance_labels())
            self._measured += 1
            self._true_objects += sum(item.label in labels for item in record.truth)
        if show:
            self._shown.append(record)

    def add_refused(self, frame: str, update: SceneUpdate) -> None:
        """The next frame, which never reached the tracker: its rejections say why."""
        self._frames += 1
        self._rejected += [
            RejectedRow(self._name, frame, item.label, "", item.reason.value, item.detail) for item in update.rejections
        ]

    def finish(self, *, flow: Flow | None = None, notes: tuple[str, ...] = ()) -> Part:
        """Paint the pictures into the folder; the run as a whole."""
        sequence = _is_sequence(self._rows)
        return Part(
            name=self._name,
            frames=self._frames,
            measured_frames=self._measured,
            true_objects=self._true_objects,
            sequence=sequence,
            rows=tuple(self._rows),
            rejected=tuple(self._rejected),
            latency_ms={stage: tuple(values) for stage, values in self._latency_ms.items()},
            tracks=self._tracks.rows() if sequence else (),
            flow=flow or Flow(),
            views=tuple(self._views(sequence)),
            unanswered=tuple(self._unanswered),
            notes=notes,
        )

    def _note_latencies(self, record: FrameRecord) -> None:
        """An object carries the latencies of its reconstruction from frame to frame; they count where it was made."""
        seen = record.seen_objects()
        made = [item for item in seen if self._versions.get(item.object_id) != item.mesh_version]
        self._versions.update((item.object_id, item.mesh_version) for item in seen)
        samples = [("frame, all together", record.wall_ms)]
        samples += [(f"frame: {stage}", value) for stage, value in record.update.latency_ms.items()]
        samples += [(f"object: {stage}", value) for item in made for stage, value in item.latency_ms.items()]
        for stage, milliseconds in samples:
            if math.isfinite(milliseconds):
                self._latency_ms.setdefault(stage, []).append(milliseconds)

    def _views(self, sequence: bool) -> list[View]:
        folder = PictureFolder(self._folder)
        rows = {(row.frame, row.object_id): row for row in self._rows}
        last_seen = {item.object_id: record.name for record in self._shown for item in record.seen_objects()}
        views = []
        for record in self._shown:
            items = [item for item in record.seen_objects() if not sequence or last_seen[item.object_id] == record.name]
            subjects = [
                Subject(rows[record.name, item.object_id], folder.object(record, item), _css(item.label))
                for item in items
            ]
            views.append(_view(folder, record, tuple(subjects)))
        return views


def write_part(folder: Path, part: Part) -> None:
    """Write a run into its folder, beside its pictures."""
    (folder / PART_FILE).write_text(json.dumps(to_plain(part), allow_nan=False) + "\n", encoding="utf-8")


def read_part(folder: Path) -> Part:
    """The run that `write_part` wrote into a folder."""
    return from_plain(Part, json.loads((folder / PART_FILE).read_text(encoding="utf-8")))


def _view(folder: PictureFolder, record: FrameRecord, subjects: tuple[Subject, ...]) -> View:
    return View(
        name=record.name,
        pictures=folder.frame(record),
        objects=len(record.seen_objects()),
        rejected=tuple(rejected_rows(record)),
        wall_ms=record.wall_ms,
        subjects=subjects,
    )


def _is_sequence(rows: list[ObjectRow]) -> bool:
    """Whether an object is seen in more than one frame."""
    ids = [row.object_id for row in rows]
    return len(ids) > len(set(ids))


def _css(label: int) -> str:
    red, green, blue = label_color(label)
    return f"rgb({red} {green} {blue})"
