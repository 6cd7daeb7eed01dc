"""Planned grasps drawn on what a planner believed and on the true mesh: green ones hold, red ones do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import trimesh
from completion_methods import Answer
from failure_pictures import around_mask
from frame_sheet import TILE, Rgb, view_of
from grasp_beliefs import Plan
from grasp_candidates import HAND
from grasp_verdicts import Outcome
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sam3d_ros.geometry import SE3, Mesh
from sam3d_ros.geometry.gripper import Grasps
from sam3d_ros.pipeline import Frame

_SHOWN = 3  # grasps of a plan
_GREEN, _RED, _GREY, _BLUE = (30, 150, 50), (210, 40, 30), (190, 190, 190), (70, 110, 190)
_BAR = 0.003  # m, of the drawn hand
_DOT = 0.0012  # m, half the edge of a drawn point
_DOTS = 1500
_TURN, _TILT = 35.0, 15.0  # degrees, away from the camera's own view


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """An object, what is true of it, and what planners made of it."""

    name: str
    frame: Frame
    truth: Answer
    plans: tuple[tuple[str, Plan, tuple[Outcome, ...]], ...]  # planner, plan, what became of its best grasps

    def first(self, planner: str) -> Outcome | None:
        """What becomes of a planner's best grasp; None where it has none."""
        return next(outcomes[0] if outcomes else None for name, _, outcomes in self.plans if name == planner)


def draw_examples(examples: Sequence[Example]) -> Image.Image:
    """A row for each: the image around the mask, then each planner's best grasps on its belief and on the truth."""
    return Image.fromarray(np.concatenate([_row(example) for example in examples]))


def _row(example: Example) -> Rgb:
    tiles, texts = [around_mask(example.frame, example.truth.label)], [example.name]
    for planner, plan, outcomes in example.plans:
        belief = replace(plan.belief, mesh=_believed(plan.belief), up=example.truth.up)
        for answer in (belief, example.truth):
            tiles.append(_tile(answer, plan.grasps, outcomes[:_SHOWN]))
        texts += [planner, outcomes[0].value if outcomes else "no grasp"]
    image = Image.fromarray(np.concatenate(tiles, axis=1))
    pen = ImageDraw.Draw(image)
    for number, text in enumerate(texts):
        pen.text((4 + number * TILE, 2), text, fill=(0, 0, 0), stroke_width=2, stroke_fill=(255, 255, 255))
    return np.asarray(image)


def _tile(answer: Answer, grasps: Grasps | None, outcomes: Sequence[Outcome]) -> Rgb:
    """A surface and hands at the grasps, seen from beside the camera."""
    if answer.mesh is None:
        return np.full((TILE, TILE, 3), 235, np.uint8)
    parts = [answer.mesh]
    if grasps is not None:
        for number in reversed(range(len(outcomes))):
            colour = _GREEN if outcomes[number] is Outcome.HOLDS else _RED
            parts.append(_hand(grasps.pose(number), colour))
    return view_of(replace(answer, mesh=_joined(parts)), _TURN, _TILT)


def _hand(T_cam_grasp: SE3, colour: tuple[int, int, int]) -> Mesh:
    """An open hand as bars along its pads' inner faces, its palm and its way in."""
    half, back = HAND.max_width / 2, -HAND.finger_length
    bars = [((x, 0, 0), (x, 0, back)) for x in (-half, half)]
    bars += [((-half, 0, back), (half, 0, back)), ((0, 0, back), (0, 0, back - 0.03))]
    shapes = [_bar(np.array(start, np.float64), np.array(end, np.float64)) for start, end in bars]
    return _coloured(trimesh.util.concatenate(shapes), colour).transformed(T_cam_grasp)


def _bar(start: NDArray[np.float64], end: NDArray[np.float64]) -> trimesh.Trimesh:
    bar = trimesh.creation.box(np.abs(end - start) + _BAR)
    bar.apply_translation((start + end) / 2)
    return bar


def _believed(answer: Answer) -> Mesh | None:
    """The mesh of an answer, in one colour, or its points as small boxes."""
    if answer.mesh is not None:
        return Mesh(answer.mesh.vertices, answer.mesh.triangles, np.full_like(answer.mesh.vertex_colors, _GREY))
    if answer.points is None:
        return None
    points = answer.points[np.random.default_rng(0).permutation(len(answer.points))[:_DOTS]]
    box = trimesh.creation.box((2 * _DOT,) * 3)
    vertices = (points[:, None] + box.vertices).reshape(-1, 3)
    triangles = (np.arange(len(points))[:, None, None] * len(box.vertices) + box.faces).reshape(-1, 3)
    return _coloured(trimesh.Trimesh(vertices, triangles, process=False), _BLUE)


def _coloured(shape: trimesh.Trimesh, colour: tuple[int, int, int]) -> Mesh:
    colours = np.broadcast_to(np.array(colour, np.uint8), (len(shape.vertices), 3))
    return Mesh(shape.vertices.astype(np.float32), shape.faces.astype(np.int32), colours)


def _joined(parts: Sequence[Mesh]) -> Mesh:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    triangles = [part.triangles + start for part, start in zip(parts, starts, strict=True)]
    vertices, colours = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("vertices", "vertex_colors")
    )
    return Mesh(vertices, np.concatenate(triangles), colours)
