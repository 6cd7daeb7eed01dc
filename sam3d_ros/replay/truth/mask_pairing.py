"""Which mask shows which true object, where only the place of the objects is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from ...geometry.render import cast_rays
from ...pipeline import Frame
from .truth_object import TruthObject

SMALLEST_OVERLAP = 0.25  # IoU of mask and visible outline; less is somebody else's mask


def pair_with_masks(truth: Sequence[TruthObject], frame: Frame) -> tuple[TruthObject, ...]:
    """The same objects with the labels of the masks that show them, 0 where none does; by label.

    Objects with a label keep it. The others are drawn into the image, the nearer before the farther, and the pairs of
    outlines and masks are chosen that have the largest sum of IoU, each at least `SMALLEST_OVERLAP`.
    """
    given = {item.label for item in truth if item.label}
    free = [item for item in truth if not item.label]
    labels = [label for label in frame.instance_labels() if label not in given]
    found: dict[int, int] = {}
    if free and labels:
        seen = cast_rays([item.mesh for item in truth], [item.T_cam_obj for item in truth], frame.camera).index
        outlines = [seen == position for position, item in enumerate(truth) if not item.label]
        overlap = np.array([[_iou(outline, frame.labels == label) for label in labels] for outline in outlines])
        rows, columns = linear_sum_assignment(-np.where(overlap >= SMALLEST_OVERLAP, overlap, 0.0))
        found = {
            int(row): labels[column]
            for row, column in zip(rows, columns, strict=True)
            if overlap[row, column] >= SMALLEST_OVERLAP
        }
    paired = [dataclasses.replace(item, label=found.get(position, 0)) for position, item in enumerate(free)]
    return tuple(sorted([*(item for item in truth if item.label), *paired], key=lambda item: item.label))


def _iou(outline: NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    either = np.count_nonzero(outline | mask)
    return np.count_nonzero(outline & mask) / either if either else 0.0
