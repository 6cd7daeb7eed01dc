"""`sam3d-ros export`: the results of one frame as a scene for simulators and planners."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..messages.convex_parts import DecompositionUnavailableError
from ..pipeline.support import SUPPORT_DISTANCE, find_scene_plane
from ..replay.frames.frame_folder import FrameFolderError, load_frame, load_truth
from ..replay.truth.truth_object import TruthObject
from ..scene_files import FORMATS, CollisionForm, Scene, SceneError, SceneOptions, build_scene, write_scene
from ..scene_files.urdf import JOINTS
from ..scene_files.world import common_up
from ..scene_files.write import FileOptions, check_scene_folder
from . import UsageError

_DEFAULT_FORMATS = ("urdf", "mjcf")
_MAX_TILT_DEG = 20.0  # of the plane in the depth against what the objects say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The results, where to write, what a body is, what the files look like."""
    parser.add_argument("results", type=Path, metavar="RESULTS", help="folder OUT/<frame> that reconstruct wrote")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder of the scene")
    parser.add_argument(
        "--format",
        type=_formats,
        default=_DEFAULT_FORMATS,
        metavar="LIST",
        help=f"separated by commas: {', '.join(FORMATS)} (default {','.join(_DEFAULT_FORMATS)})",
    )
    _add_body_arguments(parser)
    _add_file_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the scene and say what is in it. Raises UsageError where results or output folder do not allow it."""
    files = FileOptions(arguments.urdf_joint, arguments.mesh_prefix, arguments.points)
    try:
        check_scene_folder(arguments.output)
        objects = _objects(arguments.results)
        options = SceneOptions(
            form=CollisionForm(arguments.collision),
            max_triangles=arguments.collision_triangles,
            density=arguments.density,
            up_cam=arguments.up if arguments.frame is None else _up_of(arguments.frame, objects),
            stance=arguments.stance / 1e3,
        )
        scene = build_scene(objects, options)
        write_scene(arguments.output, scene, options, formats=arguments.format, files=files)
    except (DecompositionUnavailableError, FrameFolderError, SceneError) as error:
        raise UsageError(" ".join(str(error).split())) from error
    _print_summary(scene, arguments.output)
    return 0


def _add_body_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--collision",
        choices=[form.value for form in CollisionForm],
        default=CollisionForm.HULL.value,
        help="one hull, convex parts (needs the package coacd), or the simplified closed mesh (default hull)",
    )
    parser.add_argument(
        "--collision-triangles", type=_triangles, default=200, metavar="N", help="at most, of each part (default 200)"
    )
    parser.add_argument(
        "--density", type=_positive, default=500.0, metavar="KG_M3", help="of the solid bodies, kg/m3 (default 500)"
    )
    parser.add_argument(
        "--stance",
        type=_not_negative,
        default=5.0,
        metavar="MM",
        help="collision shapes are flat below, within so many mm of what they stand on (default 5; 0: as they are)",
    )
    upward = parser.add_mutually_exclusive_group()
    upward.add_argument(
        "--up",
        type=_direction,
        metavar="X,Y,Z",
        help="upward direction in the camera frame; write --up=X,Y,Z (default: told by the objects' z axes)",
    )
    upward.add_argument(
        "--frame", type=Path, metavar="DIR", help="frame folder of the results: up is told by the plane in its depth"
    )


def _add_file_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--urdf-joint", choices=JOINTS, default=JOINTS[0], help=f"objects in scene.urdf (default {JOINTS[0]})"
    )
    parser.add_argument(
        "--mesh-prefix",
        default="",
        metavar="TEXT",
        help="before mesh names in URDF, such as package://my_scenes/kitchen/ (default: relative to the file)",
    )
    parser.add_argument(
        "--points", type=_count, default=20000, metavar="N", help="of completed_cloud.ply (default 20000)"
    )


def _objects(results: Path) -> tuple[TruthObject, ...]:
    if not (results / "objects.json").is_file():
        raise UsageError(f"{results}: no objects.json; give the folder of one frame that reconstruct wrote")
    return load_truth(results)


def _up_of(folder: Path, objects: Sequence[TruthObject]) -> NDArray[np.float64]:
    """The normal of the plane in the depth of a frame folder, unless the objects say that it is no table."""
    plane = find_scene_plane(load_frame(folder), distance=SUPPORT_DISTANCE, seed=0)
    if plane is None:
        raise UsageError(f"{folder}: no plane in the depth outside the masks; give --up, or neither")
    if not objects:
        return plane.normal_xyz
    said = common_up(np.stack([item.T_cam_obj.rotation[:, 2] for item in objects]))
    tilt = math.degrees(math.acos(float(np.clip(plane.normal_xyz @ said, -1.0, 1.0))))
    if tilt > _MAX_TILT_DEG:
        raise UsageError(
            f"{folder}: the largest plane in the depth is tilted by {tilt:.0f} degrees against the objects' z axes, "
            f"more than {_MAX_TILT_DEG:.0f}: a wall, or another frame; give --up, or neither"
        )
    return plane.normal_xyz


def _print_summary(scene: Scene, output: Path) -> None:
    for body in scene.bodies:
        shift_mm = 1e3 * np.linalg.norm(body.shift_world)
        parts = f"{len(body.parts)} collision part{'s' if len(body.parts) > 1 else ''}"
        print(f"{body.name}: {body.inertial.mass:.3f} kg, {parts}, moved {shift_mm:.1f} mm to where it can rest")
    for contact in scene.contacts:
        print(f"{contact.lower} and {contact.upper} overlap by {contact.depth_mm:.0f} mm: simulators push them apart")
    print(f"{len(scene.bodies)} objects written to {output}")


def _formats(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of scene formats; choose from {', '.join(FORMATS)}")
    return names


def _direction(text: str) -> NDArray[np.float64]:
    try:
        direction = np.array([float(part) for part in text.split(",")])
    except ValueError:
        direction = np.zeros(0)
    if direction.shape != (3,) or not np.isfinite(direction).all() or np.linalg.norm(direction) < 1e-6:
        raise argparse.ArgumentTypeError(f"{text!r} is no direction; three numbers such as 0,-1,0 are one")
    return direction


def _positive(text: str) -> float:
    value = _number(text)
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no positive number")
    return value


def _not_negative(text: str) -> float:
    value = _number(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0")
    return value


def _count(text: str) -> int:
    value = _number(text)
    if not (math.isfinite(value) and value >= 1 and value == int(value)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(value)


def _triangles(text: str) -> int:
    value = _count(text)
    if value < 4:
        raise argparse.ArgumentTypeError(f"{text!r}: a closed shape has at least 4 triangles")
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
