"""What a run has to say of one frame, and the files it leaves."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...geometry import SE3
from ...pipeline import Frame, Rejection
from ...tracking import ObjectState, SceneObject, SceneUpdate
from ...tracking.object_files import write_object
from ..truth.truth_object import TruthObject
from .image_files import write_labels

_RESULT_FILES = ("objects.json", "rejections.json", "mask.png")
_RESULT_SUFFIXES = (".ply", ".glb", ".obj", ".textured.mtl", ".textured.png")


class ResultsError(ValueError):
    """A place where results cannot be written: the message says why and what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameRecord:
    """One frame, the scene after it, and the truth where it is known."""

    name: str  # unique within a run; names folders and pictures
    frame: Frame
    update: SceneUpdate
    truth: tuple[TruthObject, ...] = ()
    T_ref_cam: SE3 | None = None  # pose of the camera in the frame of the update's poses; None: that is the camera
    wall_ms: float = float("nan")  # time from frame to final update
    run: str = ""  # the bag that the frame is of; empty where frames stand for themselves

    def seen_objects(self) -> list[SceneObject]:
        """The objects with a mask in this frame, by label."""
        seen = [item for item in self.update.objects if item.state is not ObjectState.UNSEEN]
        return sorted(seen, key=lambda item: item.label)

    def T_cam_obj(self, item: SceneObject) -> SE3:
        """Pose of an object in the optical frame of this frame's camera."""
        return item.T_ref_obj if self.T_ref_cam is None else self.T_ref_cam.inverse() @ item.T_ref_obj

    def unanswered_labels(self) -> list[int]:
        """Labels of the mask image that are neither object nor rejection: none, unless the tracker is defective."""
        answered = {item.label for item in self.seen_objects()} | {item.label for item in self.update.rejections}
        return [label for label in self.frame.instance_labels() if label not in answered and 0 not in answered]


def check_results_folder(folder: Path) -> None:
    """Raise ResultsError where writing results would overwrite anything but earlier results."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ResultsError(f"{folder}: is a file; choose another output folder")
    foreign = [path.name for path in sorted(folder.iterdir()) if not _is_result(path)]
    if foreign:
        raise ResultsError(f"{folder}: holds {foreign[0]}, which is no earlier result; choose another output folder")


def write_frame_results(
    output: Path, record: FrameRecord, *, formats: Sequence[str] = (), write_mask: bool = False
) -> Path:
    """Write the results of a frame into `output/<name>`, all or nothing; the path of that folder.

    `objects.json` is a list of objects, `rejections.json` a list of id, reason, detail. Each object gets a binary PLY
    in its object frame, and the other `formats` of `write_object` beside it. `write_mask` adds the label image, for
    frames whose masks were found and not given. Earlier results of that name are replaced. Raises ObjectFileError
    where an object cannot be written as asked.
    """
    folder = output / record.name
    check_results_folder(folder)
    with replaced_folder(folder) as partial:
        for item in record.seen_objects():
            write_object(partial, _stem(item), item, ["ply", *(name for name in formats if name != "ply")])
        if write_mask:
            write_labels(partial / "mask.png", record.frame.labels)
        _write_json(partial / "rejections.json", [_rejection_entry(item) for item in record.update.rejections])
        _write_json(partial / "objects.json", [_object_entry(record, item) for item in record.seen_objects()])
    return folder


def _is_result(path: Path) -> bool:
    return path.name in _RESULT_FILES or (path.name.startswith("object_") and path.name.endswith(_RESULT_SUFFIXES))


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill that takes the place of `folder` when the block ends, and vanishes when it fails."""
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        yield partial
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _stem(item: SceneObject) -> str:
    return f"object_{item.label:03d}"


def _object_entry(record: FrameRecord, item: SceneObject) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": item.label,
        "mesh": f"{_stem(item)}.ply",
        "T_cam_obj": record.T_cam_obj(item).as_matrix().tolist(),
        "scale": item.scale,
        "quality": dataclasses.asdict(item.quality) | {"score": item.quality.score},
        "latency_ms": dict(item.latency_ms),
    }
    if item.detection:
        entry |= {"class": item.detection.class_id, "score": item.detection.score}
    return entry


def _rejection_entry(rejection: Rejection) -> dict[str, Any]:
    return {"id": rejection.label, "reason": rejection.reason.value, "detail": rejection.detail}


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(without_nan(data), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def without_nan(data: Any) -> Any:
    """The same data with null for numbers that JSON cannot say."""
    if isinstance(data, dict):
        return {key: without_nan(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [without_nan(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data
