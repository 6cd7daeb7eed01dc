"""The figures of an object by name: heading, unit, digits, what it means and which way is better.

The one place for pages, tables and comparisons; names are fields of ShapeScore, PoseScore and TrackRow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["less", "more", "near one"]


@dataclass(frozen=True, slots=True)
class FigureTerm:
    """What a figure is called and how it is read."""

    name: str
    heading: str
    unit: str  # empty for plain numbers
    digits: int  # after the point
    better: Better
    meaning: str  # empty where the term before covers this one too
    percent: bool = False  # a share that reads well as one, where there is room for a single object

    @property
    def title(self) -> str:
        """Heading with its unit, for the top of a column."""
        return f"{self.heading} {self.unit}".rstrip()

    def loss(self, value: float) -> float:
        """A number that is less for a better figure."""
        return {"less": value, "more": -value, "near one": max(value, 1 / value) if value > 0 else float("inf")}[
            self.better
        ]


SHAPE_TERMS = (
    FigureTerm(
        "chamfer_mm", "Chamfer", "mm", 1, "less", "mean of both mean distances, truth to result and result to truth"
    ),
    FigureTerm(
        "f_5mm", "F@5 mm", "", 2, "more",
        "harmonic mean of two shares: of the result within that distance of the truth, and of the truth within it of "
        "the result; F@10 mm likewise", percent=True,
    ),
    FigureTerm("f_10mm", "F@10 mm", "", 2, "more", "", percent=True),
    FigureTerm(
        "hidden_10mm", "hidden 10 mm", "", 2, "more",
        "share of the true surface that the camera did not see within 10 mm of the result", percent=True,
    ),
    FigureTerm(
        "iou", "IoU", "", 2, "more", "common volume over joint volume, on a grid of 64 cells along the longest edge"
    ),
    FigureTerm(
        "add_s_mm", "ADD-S", "mm", 1, "less",
        "mean distance of the true surface from the result; d is the true diameter",
    ),
    FigureTerm("add_s_below_tenth", "ADD-S < 0.1 d", "", 2, "more", "", percent=True),
    FigureTerm(
        "scale_ratio", "size ratio", "", 2, "near one",
        "largest distance between two points of the result over that of the truth; 1 is right",
    ),
    FigureTerm(
        "centre_mm", "centre", "mm", 1, "less", "distance between the centres of both boxes along the camera axes"
    ),
)  # fmt: skip

POSE_TERMS = (
    FigureTerm(
        "add_s_both", "ADD-S both ways", "d", 3, "less",
        "mean of both mean distances between the surfaces over the true diameter d, as SAM 3D's paper counts ADD-S",
    ),
    FigureTerm("add_s_both_below_tenth", "both ways < 0.1", "", 2, "more", "", percent=True),
    FigureTerm(
        "icp_rot_deg", "ICP-Rot", "°", 1, "less", "rotation by which ICP lays the result onto the truth"
    ),
    FigureTerm(
        "add_mm", "ADD", "mm", 1, "less",
        "mean distance of the true model's vertices from their places when the model is laid onto the result by ICP: "
        "the pose that the result implies",
    ),
    FigureTerm("add_below_tenth", "ADD < 0.1 d", "", 2, "more", "", percent=True),
    FigureTerm(
        "mssd_mm", "MSSD", "mm", 1, "less", "largest such distance, for the symmetry of the object that makes it least"
    ),
    FigureTerm("mspd_px", "MSPD", "px", 1, "less", "the same in the image"),
    FigureTerm(
        "vsd", "VSD", "", 2, "less",
        "share of the pixels where result or truth is visible that are wrong: one alone, or farther apart than a "
        "tolerance; mean over tolerances of 0.05 to 0.5 d",
    ),
    FigureTerm(
        "bop_recall", "BOP recall", "", 2, "more",
        "mean share of the BOP challenge's thresholds that VSD, MSSD and MSPD stay below", percent=True,
    ),
    FigureTerm(
        "box_iou", "box IoU", "", 2, "more",
        "common volume over joint volume of the boxes along the axes of each object frame",
    ),
    FigureTerm(
        "normal_chamfer", "normalised Chamfer", "", 3, "less",
        "Chamfer distance when both are fitted into -1 to 1 and laid onto each other by ICP: shape alone",
    ),
    FigureTerm(
        "normal_f1", "normalised F@0.01", "", 2, "more", "F-score at 0.01 of the same", percent=True
    ),
)  # fmt: skip

TERMS = (*SHAPE_TERMS, *POSE_TERMS)

# Of objects that live through several frames; the names are fields of TrackRow.
TRACK_TERMS = (
    FigureTerm(
        "jitter_mm", "jitter", "mm", 2, "less",
        "noise of an object's centre from one frame to the next, one standard deviation: second differences over "
        "frames that follow each other, so that steady motion does not count",
    ),
    FigureTerm("jitter_deg", "jitter", "°", 2, "less", ""),
    FigureTerm(
        "spread_mm", "spread", "mm", 2, "less",
        "root mean square distance of the centre from its mean place in the true object",
    ),
    FigureTerm("spread_deg", "spread", "°", 2, "less", ""),
    FigureTerm(
        "drift_mm", "drift 95 %", "mm", 1, "less",
        "how far the centre went in the true object since its mesh was made; 95 % of the frames stay below",
    ),
    FigureTerm("drift_deg", "drift 95 %", "°", 1, "less", ""),
)  # fmt: skip
