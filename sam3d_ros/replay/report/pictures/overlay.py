"""Masks and meshes laid over the colour image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from ....geometry import SE3, PinholeCamera
from .colours import label_color
from .studio import take_picture
from .surface import Surface

Rgb8Image = NDArray[np.uint8]

_FILL = 0.5
_OUTLINE_SIGMA = 0.7  # pixels


@dataclass(frozen=True, slots=True)
class Tag:
    """Where to write a label: inside its mask, as far from the outline as possible; 0-100 % of width and height."""

    label: int
    left: float
    top: float


def masks_over(color: Rgb8Image, labels: NDArray[np.int32]) -> Rgb8Image:
    """The image grey, with each mask tinted in the colour of its label and outlined."""
    picture = _subdued(color).astype(np.float64)
    for label in _labels_of(labels):
        mask = labels == label
        picture[mask] = (1 - _FILL) * color[mask] + _FILL * np.array(label_color(label))
    return _outlined(picture, labels)


def meshes_over(
    color: Rgb8Image, surfaces: Sequence[Surface], poses: Sequence[SE3], camera: PinholeCamera
) -> Rgb8Image:
    """The image grey, with the surfaces at their poses T_cam_obj drawn over it in full colour."""
    return take_picture(surfaces, poses, camera).over(_subdued(color))


def outlines_over(picture: Rgb8Image, labels: NDArray[np.int32]) -> Rgb8Image:
    """A picture with the outline of each mask in the colour of its label."""
    return _outlined(picture.astype(np.float64), labels)


def tags(labels: NDArray[np.int32]) -> list[Tag]:
    """A place to write each label, ascending."""
    height, width = labels.shape
    places = []
    for label in _labels_of(labels):
        window = _window(labels == label, margin=0)
        inside = distance_transform_edt(np.pad(labels[window] == label, 1))
        row, column = np.unravel_index(int(np.argmax(inside)), inside.shape)
        top, left = window[0].start + row - 0.5, window[1].start + column - 0.5
        places.append(Tag(label, round(100 * float(left) / width, 2), round(100 * float(top) / height, 2)))
    return places


def _subdued(color: Rgb8Image) -> Rgb8Image:
    """Nearly grey and a little lighter, so that what is drawn over it stands out."""
    grey = color @ np.array([0.2126, 0.7152, 0.0722])
    mixed = 0.3 * color + 0.7 * grey[..., None]
    subdued: Rgb8Image = np.rint(40 + 0.68 * mixed).astype(np.uint8)
    return subdued


def _outlined(picture: NDArray[np.float64], labels: NDArray[np.int32]) -> Rgb8Image:
    picture = picture.copy()
    for label in _labels_of(labels):
        window = _window(labels == label)
        strength = _edge_strength(labels[window] == label)[..., None]
        picture[window] = (1 - strength) * picture[window] + strength * np.array(label_color(label))
    return np.rint(picture).astype(np.uint8)


def _edge_strength(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Soft line 0-1 of about two pixels along the outline of a mask, [H, W]."""
    edge = np.zeros(mask.shape)
    edge[:-1] += mask[:-1] != mask[1:]
    edge[:, :-1] += mask[:, :-1] != mask[:, 1:]
    strength: NDArray[np.float64] = np.clip(2.4 * gaussian_filter(np.minimum(edge, 1), _OUTLINE_SIGMA), 0, 1)
    return strength


def _window(mask: NDArray[np.bool_], margin: int = 4) -> tuple[slice, slice]:
    """Rows and columns of a mask with a margin."""
    rows, columns = (np.nonzero(mask.any(axis=axis))[0] for axis in (1, 0))
    return (
        slice(max(rows[0] - margin, 0), rows[-1] + margin + 1),
        slice(max(columns[0] - margin, 0), columns[-1] + margin + 1),
    )


def _labels_of(labels: NDArray[np.int32]) -> list[int]:
    return [int(label) for label in np.unique(labels) if label != 0]
