"""Bodies put onto the table and out of each other, so that a simulation starts at rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import SE3, Mesh
from .collision import CollisionForm, thinned
from .foot import on_foot
from .options import SceneOptions
from .overlap import Solid, way_out
from .seat import seat
from .stance import bottom_of, firm_reach, on_firm_base
from .world import STANDING

Float64Array = NDArray[np.float64]

MAX_PUSH = 0.015  # m; what lies deeper in another object was seen there, or its hollow was filled: it is left alone
_ROUNDS = 8
_ROUNDING = 0.001  # m, of a flat base by thinning
_SEEN = 2e-4  # m, overlaps below this no simulator minds
_UPWARD = 0.7  # height of a unit vector that points up rather than sideways


@dataclass(frozen=True, slots=True, eq=False)
class Afloat:
    """A body before it is placed: collision parts and centre of mass [3] in the world, where they were seen."""

    parts: tuple[Mesh, ...]
    centre: Float64Array


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two bodies, by their positions in the list, that stay within each other by `depth` metres."""

    lower: int
    upper: int
    depth: float


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Collision parts of a body in the world, and how far it was moved there, [3] metres."""

    parts: tuple[Mesh, ...]
    shift: Float64Array


@dataclass(frozen=True, slots=True, eq=False)
class _Standing:
    """A body that has its place, with its parts as convex solids."""

    placed: Placed
    solids: list[Solid]


def place(bodies: Sequence[Afloat], options: SceneOptions) -> tuple[list[Placed], tuple[Overlap, ...]]:
    """Each body of collision parts in the world (table top at z = 0) where it can rest, and what still overlaps.

    From the lowest body upwards. What was seen of a body stays in its place and its unseen underside gives way: it is
    cut flat at the table, or at what it stands on, and filled down to there within the stance of the options, or as far
    as it takes to stand (see `on_firm_base`), and what carries it gets a seat there; a stance of zero leaves undersides
    as they are and lifts bodies instead.
    Where cutting 15 mm is not enough a body is lifted, and bodies beside each other are moved apart by at most as much.
    """
    order = sorted(range(len(bodies)), key=lambda index: bottom_of(bodies[index].parts))
    standing: dict[int, _Standing] = {}
    for index in order:
        placed = _placed(bodies[index], list(standing.values()), options)
        if options.stance and bottom_of(placed.parts) >= STANDING:
            standing = {number: _with_seat(lower, placed, options) for number, lower in standing.items()}
        standing[index] = _Standing(placed, _solids(placed.parts, options.form))
    return [standing[index].placed for index in range(len(bodies))], tuple(_overlaps(standing, order))


def _placed(body: Afloat, below: Sequence[_Standing], options: SceneOptions) -> Placed:
    bottom = bottom_of(body.parts)
    on_table = bottom < STANDING
    lift = max(0.0, -MAX_PUSH - bottom) if options.stance else (-bottom if on_table else 0.0)
    shift = np.array([0.0, 0.0, lift])
    parts = _moved(body.parts, shift)
    if options.stance:
        level = 0.0 if on_table else bottom + _depth_from_above(parts, below, options.form)
        parts = _on_base(parts, body.centre + shift, level, options)
    else:
        parts = _thinned(parts, options)
    push = _way_out_of_all(_solids(parts, options.form), below)
    return Placed(tuple(_moved(parts, push)), shift + push)


def _with_seat(lower: _Standing, upper: Placed, options: SceneOptions) -> _Standing:
    """The lower body with one more part where the upper one stands on it."""
    if np.linalg.norm(_deepest(lower.solids, _solids(upper.parts, options.form))) > options.stance:
        return lower  # they lie in each other: there is no height at which one stands on the other
    level = bottom_of(upper.parts)
    part = seat(lower.placed.parts, upper.parts, level=level, depth=options.stance)
    if part is None:
        return lower
    return _Standing(Placed((*lower.placed.parts, part), lower.placed.shift), [*lower.solids, Solid.of(part)])


def _on_base(parts: Sequence[Mesh], centre: Float64Array, level: float, options: SceneOptions) -> list[Mesh]:
    """Parts on a flat base at `level`, made before they are thinned and once more where thinning rounded it."""
    reach = options.stance + max(0.0, bottom_of(parts) - level)
    if options.form is CollisionForm.MESH:
        reach = firm_reach(parts, centre, level=level, reach=reach)
        footed = on_foot(parts[0], level=level, reach=reach, max_triangles=options.max_triangles)
        if footed is not None:
            return [footed]
    based = on_firm_base(parts, options.form, centre, level=level, reach=reach)
    return on_firm_base(_thinned(based, options), options.form, centre, level=level, reach=_ROUNDING)


def _thinned(parts: Sequence[Mesh], options: SceneOptions) -> list[Mesh]:
    return [thinned(part, options.form, max_triangles=options.max_triangles) for part in parts]


def _moved(parts: Sequence[Mesh], shift: Float64Array) -> list[Mesh]:
    return [part.transformed(SE3(np.array([1.0, 0.0, 0.0, 0.0]), shift)) for part in parts]


def _solids(parts: Sequence[Mesh], form: CollisionForm) -> list[Solid]:
    """Convex solids of the parts; of a simplified surface its hull, which is what MuJoCo collides with."""
    if form is CollisionForm.MESH:
        return [Solid.hull_of(part) for part in parts]
    return [Solid.of(part) for part in parts]


def _depth_from_above(parts: Sequence[Mesh], below: Sequence[_Standing], form: CollisionForm) -> float:
    """How much of the underside lies in bodies that stand below it, metres, at most 15 mm."""
    ways = [_deepest(other.solids, _solids(parts, form)) for other in below]
    depths = [float(np.linalg.norm(way)) for way in ways if way[2] > _UPWARD * np.linalg.norm(way)]
    return max((depth for depth in depths if depth <= MAX_PUSH), default=0.0)


def _way_out_of_all(solids: Sequence[Solid], below: Sequence[_Standing]) -> Float64Array:
    """Sum of the pushes [3] that free the solids from the bodies that have their place, deepest first."""
    shift = np.zeros(3)
    for _ in range(_ROUNDS):
        ways = [_deepest(other.solids, [solid.moved(shift) for solid in solids]) for other in below]
        pushes = [way for way in ways if _SEEN < np.linalg.norm(way) <= MAX_PUSH]
        if not pushes:
            break
        shift += max(pushes, key=lambda way: float(np.linalg.norm(way)))
    return shift


def _deepest(others: Sequence[Solid], solids: Sequence[Solid]) -> Float64Array:
    """The longest way out [3] over all pairs of solids; zeros where the bodies are apart."""
    ways = [way for other in others for solid in solids if (way := way_out(other, solid)) is not None]
    return max(ways, key=lambda way: float(np.linalg.norm(way)), default=np.zeros(3))


def _overlaps(standing: dict[int, _Standing], order: Sequence[int]) -> list[Overlap]:
    pairs = [(lower, upper) for position, lower in enumerate(order) for upper in order[position + 1 :]]
    ways = [_deepest(standing[lower].solids, standing[upper].solids) for lower, upper in pairs]
    depths = [float(np.linalg.norm(way)) for way in ways]
    return [Overlap(*pair, depth) for pair, depth in zip(pairs, depths, strict=True) if depth > 5 * _SEEN]
