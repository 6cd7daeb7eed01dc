"""Objects followed through 200 frames of a hand-held camera while one of them is pushed about, against the truth.

    python bench/bench_following.py --sequences 6 [--shuffled] [--hidden 1.0] [--frames 200]

Scanned objects on a table (`following_scenes`), through the depth camera of the benchmarks, 30 frames a second. Every
object is completed once by the shipped model when it is first seen, then followed without a CAD model; poses are in the
table's frame, as with `target_frame`, and the camera's own pose is known. A completed mesh has an object frame of its
own: how it lies in the true object's is read off at the frame in which it was made, and every later frame is compared
with that. With `--shuffled` the labels of each frame have nothing to do with those before; with `--hidden` a board is
held before one object after the other for so many seconds, before the pushed one when it is pushed most quickly.

Printed: how often an id went over to another object; errors of position, and of rotation for objects that are not
round (about no axis of the box turns by 15, 30 and 45 degrees leave the surface within 2 % of the diameter), and
ADD-S for all; the spread of resting objects about their mean; time for each frame besides new objects.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from following_returns import Absences, told
from following_scenes import Instant, Sequence30
from numpy.typing import NDArray
from scanned_scenes import DATA, ScannedObject, benchmark_objects
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.metrics import add_s, rotation_error
from sam3d_ros.geometry.sampling import sample_surface
from sam3d_ros.pipeline.backends import DEFAULT, create_backend
from sam3d_ros.replay.scores.surface_distance import distance_to_surface
from sam3d_ros.tracking import ObjectState, SceneObject
from sam3d_ros.tracking.config import TrackingConfig
from sam3d_ros.tracking.tracker import SceneTracker
from sam3d_ros.waiting_threads import wait_briefly

_SAME = 0.02  # of the diameter, mean distance of a turned surface from itself


@dataclass(slots=True)
class Path6:
    """One object through a sequence."""

    name: str
    resting: bool
    is_round: bool
    translation_m: list[float] = field(default_factory=list)
    rotation_rad: list[float] = field(default_factory=list)
    add_s_m: list[float] = field(default_factory=list)
    poses: list[SE3] = field(default_factory=list)  # T_world_obj as estimated
    unseen: int = 0


@dataclass(slots=True)
class Run:
    """What came out of all sequences."""

    paths: list[Path6] = field(default_factory=list)
    switches: int = 0
    new_ids: int = 0  # beyond one for each object
    remade: int = 0  # meshes made anew
    absences: list[Absences] = field(default_factory=list)
    times_ms: list[float] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    wait_briefly()  # as the node does
    options = _parse(arguments)
    scans, run = benchmark_objects(options.data), Run()
    backend = create_backend(DEFAULT)
    backend.load()
    for seed in range(options.seed, options.seed + options.sequences):
        tracker = SceneTracker(backend, TrackingConfig(steady=not options.unsteady))
        follow_sequence(Sequence30.make(scans, seed), tracker, run, options)
    print(_text(run))


def follow_sequence(sequence: Sequence30, tracker: SceneTracker, run: Run, options: argparse.Namespace) -> None:
    """Send the frames through the tracker and note what becomes of each object."""
    follower = _Follower(sequence, run)
    frames = sequence.play(options.frames, shuffled=options.shuffled, hidden_s=options.hidden)
    for instant in tqdm(frames, total=options.frames, desc=f"sequence {sequence.seed}", leave=False):
        start = time.perf_counter()
        update = tracker.process(instant.frame, T_ref_cam=instant.T_world_cam)
        if "reconstruct" not in update.latency_ms:
            run.times_ms.append(1e3 * (time.perf_counter() - start))
        follower.note(instant, update.objects)
    run.paths += follower.paths
    run.absences.append(follower.absences)


class _Follower:
    """Compares the objects of one sequence with the truth."""

    def __init__(self, sequence: Sequence30, run: Run) -> None:
        self._run = run
        self._sequence = sequence
        self._points = [sample_surface(item.mesh, 1000, 0).points for item in sequence.objects]
        self.paths = [Path6(item.name, k != sequence.moving, is_round(item)) for k, item in enumerate(sequence.objects)]
        self.absences = Absences()
        self._owner: dict[int, int] = {}  # object ids to numbers of true objects
        self._offsets: dict[tuple[int, int], SE3] = {}  # T_est_true by id and version of the mesh

    def note(self, instant: Instant, objects: tuple[SceneObject, ...]) -> None:
        """Compare every object that was measured in this frame."""
        self.absences.note(instant, objects, self._owner)
        for item in objects:
            if item.state is ObjectState.UNSEEN or item.stamp_ns != instant.frame.stamp_ns:
                if item.object_id in self._owner:
                    self.paths[self._owner[item.object_id]].unseen += 1
            elif item.label in instant.names:
                self._compare(item, instant.names[item.label], instant)

    def _compare(self, item: SceneObject, number: int, instant: Instant) -> None:
        if self._owner.setdefault(item.object_id, number) != number:
            self._run.switches += 1
            return
        T_world_true, key = instant.T_world_obj[number], (item.object_id, item.mesh_version)
        if key not in self._offsets:
            known = [other for other, owner in self._owner.items() if owner == number]
            self._run.new_ids += len(known) > 1 and item.mesh_version == 1
            self._run.remade += item.mesh_version > 1
            self._offsets[key] = item.T_ref_obj.inverse() @ T_world_true
            return
        path, found = self.paths[number], item.T_ref_obj @ self._offsets[key]
        middle = self._sequence.objects[number].mesh.box_centre
        path.translation_m.append(float(np.linalg.norm(found.apply(middle) - T_world_true.apply(middle))))
        path.rotation_rad.append(rotation_error(found, T_world_true))
        path.add_s_m.append(add_s(self._points[number], found, T_world_true))
        path.poses.append(found)


def is_round(item: ScannedObject) -> bool:
    """Whether turns about an axis of its box leave the surface within 2 % of the diameter, in the mean."""
    mesh, centre = item.mesh, item.mesh.box_centre
    points = sample_surface(mesh, 500, 0).points - centre
    limit = _SAME * float(np.linalg.norm(mesh.extents))
    for axis in np.eye(3):
        turns = [Rotation.from_rotvec(np.radians(angle) * axis) for angle in (15, 30, 45)]
        if all(distance_to_surface(turn.apply(points) + centre, mesh).mean() < limit for turn in turns):
            return True
    return False


def _text(run: Run) -> str:
    followed = [path for path in run.paths if path.translation_m]
    plain = [path for path in followed if not path.is_round]
    resting = [path for path in followed if path.resting]
    unseen = sum(path.unseen for path in run.paths)
    jitter = np.array([_jitter(path) for path in resting])
    turning = np.array([not path.is_round for path in resting])
    lines = [
        *(
            "| " + " | ".join(_row(path)) + " |"
            for path in sorted(followed, key=lambda p: -np.quantile(p.translation_m, 0.95))
        ),
        "",
        f"{len(run.paths)} objects, {len(followed)} followed; {run.switches} identity switches, {run.new_ids} new ids, "
        f"{run.remade} meshes made anew, {unseen} times unseen",
        *told(run.absences),
        f"position: {_spread([1e3 * x for path in followed for x in path.translation_m], 'mm')}",
        f"of those not round: {_spread([1e3 * x for path in plain for x in path.translation_m], 'mm')}",
        f"of those pushed: {_spread([1e3 * x for p in followed if not p.resting for x in p.translation_m], 'mm')}",
        f"rotation of {len(plain)}: {_spread([np.degrees(x) for path in plain for x in path.rotation_rad], 'degrees')}",
        f"ADD-S: {_spread([1e3 * x for path in followed for x in path.add_s_m], 'mm')}",
        f"jitter at rest, mean of {len(resting)}: {jitter[:, 0].mean():.2f} mm, {jitter[turning, 1].mean():.2f} deg",
        f"time of a frame: {_spread(run.times_ms, 'ms')}",
    ]
    return "\n".join(lines)


def _row(path: Path6) -> tuple[str, ...]:
    kind = ("rests" if path.resting else "pushed", "round" if path.is_round else "")
    p95 = (1e3 * np.quantile(path.translation_m, 0.95), np.degrees(np.quantile(path.rotation_rad, 0.95)))
    return (
        path.name,
        *kind,
        f"{p95[0]:.1f} mm",
        f"{p95[1]:.1f} deg",
        f"ADD-S {1e3 * np.quantile(path.add_s_m, 0.95):.1f}",
        f"unseen {path.unseen}",
    )


def _jitter(path: Path6) -> tuple[float, float]:
    """Root mean square distance from the mean place, mm, and angle from the mean rotation, degrees."""
    places = np.array([pose.translation_xyz for pose in path.poses])
    rotations = Rotation.from_matrix([pose.rotation for pose in path.poses])
    angles = (rotations.mean().inv() * rotations).magnitude()
    distances = np.linalg.norm(places - places.mean(axis=0), axis=1)
    return 1e3 * float(np.sqrt((distances**2).mean())), float(np.degrees(np.sqrt((angles**2).mean())))


def _spread(values: list[float], unit: str) -> str:
    found: NDArray[np.float64] = np.array(values or [np.nan])
    p50, p95 = np.quantile(found, [0.5, 0.95])
    return f"median {p50:.2f}, 95 % {p95:.2f}, worst {found.max():.2f} {unit}"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=6)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000, help="of the first sequence; the others follow")
    parser.add_argument("--unsteady", action="store_true", help="without averaging what rests")
    parser.add_argument("--shuffled", action="store_true", help="labels that mean nothing from frame to frame")
    parser.add_argument(
        "--hidden", type=float, default=0.0, metavar="SECONDS", help="how long a board hides each object"
    )
    parser.add_argument("--data", type=Path, default=DATA)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
