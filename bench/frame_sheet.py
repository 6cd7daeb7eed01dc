"""One picture of a frame and its completed objects, for people to judge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from completion_methods import Answer
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.spatial.transform import Rotation

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.render import render
from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.report.pictures.colours import label_color
from sam3d_ros.replay.report.pictures.overlay import masks_over, outlines_over, tags

Rgb = NDArray[np.uint8]

TILE = 160  # px, edge of one view of an object
_WIDTH = 8 * TILE
_FIELD = np.radians(24)
VIEWS = (("camera", 0.0, 0.0), ("side", 90.0, 0.0), ("behind", 180.0, 0.0), ("above", 0.0, 35.0))  # name, turn, tilt


def draw_sheet(frame: Frame, answers: Sequence[Answer]) -> Rgb:
    """The image with masks, the meshes over the image, and below them four views of each object, two objects a row."""
    meshes = [answer.mesh for answer in answers if answer.mesh]
    top = [masks_over(frame.color, frame.labels), _meshes_over(frame, meshes)]
    rows = [np.concatenate([_resized(_tagged(picture, frame), _WIDTH // 2) for picture in top], axis=1)]
    strips = [_strip(answer) for answer in answers]
    if len(strips) % 2:
        strips.append(np.full_like(strips[0], 255))
    rows += [np.concatenate(strips[k : k + 2], axis=1) for k in range(0, len(strips), 2)]
    return np.concatenate(rows, axis=0)


def _meshes_over(frame: Frame, meshes: Sequence[Mesh]) -> Rgb:
    """The image, faded, with meshes of the camera frame drawn over it, and the outlines of the masks."""
    drawn = render(meshes, [SE3.identity()] * len(meshes), frame.camera, shading="headlight")
    faded = (0.45 * frame.color + 0.55 * 200).astype(np.uint8)
    return outlines_over(np.where(drawn.index[..., None] >= 0, drawn.color, faded), frame.labels)


def _tagged(picture: Rgb, frame: Frame) -> Rgb:
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    for tag in tags(frame.labels):
        place = (tag.left / 100 * image.width - 3, tag.top / 100 * image.height - 6)
        pen.text(place, str(tag.label), fill=(0, 0, 0), stroke_width=2, stroke_fill=(255, 255, 255))
    return np.asarray(image)


def _resized(picture: Rgb, width: int) -> Rgb:
    height = round(picture.shape[0] * width / picture.shape[1])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _strip(answer: Answer) -> Rgb:
    """Views of one object side by side, or the reason why there is none."""
    if answer.mesh:
        tiles = np.concatenate([view_of(answer, turn, tilt) for _, turn, tilt in VIEWS], axis=1)
    else:
        tiles = np.full((TILE, TILE * len(VIEWS), 3), 235, np.uint8)
    image = Image.fromarray(tiles)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 5, TILE), fill=label_color(answer.label))
    names = [name for name, _, _ in VIEWS] if answer.mesh else [f"rejected: {answer.rejected}"]
    for number, name in enumerate(names):
        text = f"{answer.label} {name}" if number == 0 else name
        pen.text((9 + number * TILE, 2), text, fill=(0, 0, 0))
    return np.asarray(image)


def view_of(answer: Answer, turn: float, tilt: float) -> Rgb:
    """The mesh seen after a turn about its upright axis and with the camera raised, both in degrees."""
    mesh = answer.mesh
    assert mesh is not None
    centre = mesh.box_centre.astype(np.float64)
    up = np.array(answer.up) / np.linalg.norm(answer.up)
    sight = Rotation.from_rotvec(np.radians(turn) * up).apply(centre / np.linalg.norm(centre))
    right = np.cross(sight, up)
    sight = Rotation.from_rotvec(-np.radians(tilt) * right / max(np.linalg.norm(right), 1e-9)).apply(sight)
    rotation = _looking(sight, up)
    radius = float(np.linalg.norm(mesh.vertices - mesh.box_centre, axis=1).max())
    distance = 1.05 * radius / np.sin(_FIELD / 2)
    T_view_cam = SE3.from_rotation(rotation, [0, 0, distance] - rotation @ centre)
    focal = TILE / 2 / np.tan(_FIELD / 2)
    camera = PinholeCamera(TILE, TILE, focal, focal, (TILE - 1) / 2, (TILE - 1) / 2)
    return render([mesh], [T_view_cam], camera, shading="headlight").color


def _looking(sight: NDArray[np.float64], up: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation [3, 3] into the frame of a camera that looks along `sight`, with `up` upwards in its image."""
    x = np.cross(sight, up)
    if np.linalg.norm(x) < 1e-6:  # straight from above: any direction is level
        x = np.cross(sight, [0.0, 1.0, 0.0])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(sight, x), sight])
