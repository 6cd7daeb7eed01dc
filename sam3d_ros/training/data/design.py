"""A drawn object before it is meshed: its solid, its colours and its finish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.random import Generator

from ..synthetic.props import Finish
from ..synthetic.sdf import Array, Sdf, blend, union
from ..synthetic.surface import Albedo


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """Colour and finish of one material."""

    albedo: Albedo
    finish: Finish


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Solid with z up in its resting pose, metres; colours and finish for the points of the same frame."""

    shape: Sdf
    skin: Skin


Family: TypeAlias = Callable[[Generator], Design]
Part: TypeAlias = tuple[Sdf, Skin]


def assembled(parts: Sequence[Part], fillet: float = 0.0) -> Design:
    """One solid of several parts; each point has the colour of the part that is nearest to it.

    `fillet` is the width over which the parts grow into each other. The finish is that of the first part.
    """
    solids = [solid for solid, _ in parts]
    shape = blend(fillet, *solids) if fillet > 0 else union(*solids)
    if len(parts) == 1:
        return Design(solids[0], parts[0][1])
    return Design(shape, Skin(_nearest_colour(parts), parts[0][1].finish))


def _nearest_colour(parts: Sequence[Part]) -> Albedo:
    def albedo(p: Array) -> Array:
        owner = np.argmin([solid(p) for solid, _ in parts], axis=0)
        color = np.zeros((len(p), 3))
        for index, (_, skin) in enumerate(parts):
            mine = owner == index
            if mine.any():
                color[mine] = skin.albedo(p[mine])
        return color

    return albedo
