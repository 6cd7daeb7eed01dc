"""Which grasps are free of collision in a scene of points and a table, and the order in which to try them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .antipodal import FRICTION, ApproachConfig, across, approach_pairs, sample_contact_pairs
from .grasp_closing import close_jaws
from .gripper import Grasps, Gripper
from .mesh import Mesh
from .plane import Plane

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

CLEARANCE = 0.003  # m, that a plan keeps from everything
_MOST_HANDS = 2000  # above the table, that a plan looks at
_BLOCK = 64  # grasps compared with all points at once; bounds the memory


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """What stands around a grasp, as surface points in its frame; metres."""

    own: Float64Array  # [M, 3] of the object to grasp
    others: Float64Array  # [K, 3] of all other objects
    table: Plane  # normal upwards


@dataclass(frozen=True, slots=True, eq=False)
class Collisions:
    """What each grasp [N] runs into on its way in and, with other objects, while it closes."""

    table: BoolArray
    others: BoolArray
    own: BoolArray

    @property
    def free(self) -> BoolArray:
        """Which grasps run into nothing."""
        free: BoolArray = ~(self.table | self.others | self.own)
        return free


def find_collisions(
    grasps: Grasps, gripper: Gripper, around: Surroundings, *, clearance: float = CLEARANCE
) -> Collisions:
    """What the open hand at each grasp comes nearer to than `clearance` metres.

    The hand is tested where it grasps; the palm's box reaches back along its way, which so is tested, too. Points stand
    for surfaces: they must lie closer than the fingers are thick.
    """
    table = _lowest(grasps, gripper, around.table) < clearance
    others, own = table.copy(), table.copy()
    above = np.flatnonzero(~table)  # what is in the table anyway is not compared with points
    for part in np.array_split(above, max(1, -(-len(above) // _BLOCK))):
        few = grasps.chosen(part)
        own[part] = _any_inside(few, gripper, around.own, clearance, closing=False)
        others[part] = _any_inside(few, gripper, around.others, clearance, closing=True)
    return Collisions(table, others & ~table, own & ~table)


def plan_on_mesh(
    mesh: Mesh,
    gripper: Gripper,
    around: Surroundings,
    *,
    samples: int = 3000,
    friction: float = FRICTION,
    seed: int = 0,
) -> Grasps:
    """Grasps of a closed mesh in the frame of its surroundings, free of collision and best first; empty without any.

    From antipodal pairs of `samples` surface points; kept is where the whole pads, closed on the mesh, hold it as well.
    Raises ValueError for a mesh without area.
    """
    pairs = sample_contact_pairs(mesh, samples, max_width=gripper.max_width, friction=friction, seed=seed)
    config = ApproachConfig()
    reaches = len(config.reaches)
    grasps = approach_pairs(pairs, around.table.normal_xyz, config, friction=friction)
    grasps = grasps.chosen(_some_above_table(_lowest(grasps, gripper, around.table), reaches, seed))
    closing = close_jaws(grasps, gripper, mesh)
    met = replace(grasps, contacts=closing.points, margins=closing.margins(friction))
    return plan_grasps(met, reaches, gripper, around, usable=closing.holds(friction))


def _some_above_table(heights: Float64Array, reaches: int, seed: int) -> NDArray[np.intp]:
    """Numbers of some grasps, with all reaches of each hand, of which one at least stays clear of the table.

    On flat things few do; they are sorted out here before anything slow is asked of them.
    """
    numbers = np.arange(len(heights), dtype=np.intp).reshape(reaches, -1)
    hands = np.flatnonzero((heights[numbers] >= CLEARANCE).any(axis=0))
    some = np.sort(np.random.default_rng([seed, 2]).permutation(hands)[:_MOST_HANDS])
    return numbers[:, some].reshape(-1)


def plan_grasps(
    grasps: Grasps,
    reaches: int,
    gripper: Gripper,
    around: Surroundings,
    *,
    clearance: float = CLEARANCE,
    usable: BoolArray | None = None,
) -> Grasps:
    """The grasps that are free of collision, best first; of several reaches of the same hand only the first free one.

    `grasps` are as those of `approach_pairs`, with its number of reaches; `usable` [N] leaves some out. The order is
    that of a sum of three figures of at most 1: the margin of the friction cones, how near the contacts' middle is to
    the middle of the object (as a share of its farthest point's distance from there), and how far the hand comes from
    above. The middle is that of a box around the object's points, upright on the table, because the mean of points that
    one camera sees lies on its side. Equals stay in their order.
    """
    allowed = np.flatnonzero(np.ones(len(grasps), np.bool_) if usable is None else usable)
    free = np.zeros((reaches, len(grasps) // reaches), np.bool_)
    free.flat[allowed] = find_collisions(grasps.chosen(allowed), gripper, around, clearance=clearance).free
    first, hand = free.argmax(axis=0), np.arange(free.shape[1])
    kept = grasps.chosen((first * free.shape[1] + hand)[free.any(axis=0)])
    return kept.chosen(np.argsort(-_worth(kept, around), kind="stable"))


def _worth(grasps: Grasps, around: Surroundings) -> Float64Array:
    centre = _middle(around.own, around.table.normal_xyz)
    radius = np.linalg.norm(around.own - centre, axis=1).max()
    off = np.linalg.norm(grasps.contacts.mean(axis=1) - centre, axis=1) / max(radius, 1e-9)
    from_above = -grasps.approaches @ around.table.normal_xyz
    worth: Float64Array = np.clip(grasps.margins, -1, 1) + np.clip(1 - off, 0, 1) + from_above
    return worth


def _middle(points: Float64Array, up: Float64Array) -> Float64Array:
    """Middle [3] of a box around points [M, 3] with one edge along `up`."""
    x = across(up[None])[0]
    axes = np.stack([x, np.cross(up, x), up])
    heights = points @ axes.T
    middle: Float64Array = (heights.min(axis=0) + heights.max(axis=0)) / 2 @ axes
    return middle


def _lowest(grasps: Grasps, gripper: Gripper, table: Plane) -> Float64Array:
    """Height [N] of the lowest corner of fingers and palm above the table."""
    finger = [gripper.max_width / 2 + gripper.finger_thickness, gripper.finger_breadth / 2, 0.0]
    palm = [gripper.palm_width / 2, gripper.palm_breadth / 2, -gripper.finger_length]
    leaning = np.einsum("nij,i->nj", grasps.rotations, table.normal_xyz)  # [N, 3] how much each axis rises
    heights = []
    for x, y, z in (finger, palm, [*palm[:2], palm[2] - gripper.palm_length]):
        heights.append(z * leaning[:, 2] - x * np.abs(leaning[:, 0]) - y * np.abs(leaning[:, 1]))
    lowest: Float64Array = table.signed_distance(grasps.tips) + np.min(heights, axis=0)
    return lowest


def _any_inside(
    grasps: Grasps, gripper: Gripper, points: Float64Array, clearance: float, *, closing: bool
) -> BoolArray:
    """Whether any of the points [M, 3] lies in the hand of each grasp; with `closing` also between its fingers."""
    x, y, z = in_grasp_frames(grasps, points)
    half = gripper.max_width / 2
    fingers = (y <= gripper.finger_breadth / 2 + clearance) & (x <= half + gripper.finger_thickness + clearance)
    fingers &= (z <= clearance) & (z >= -gripper.finger_length)
    if not closing:
        fingers &= x >= half - clearance
    palm = (x <= gripper.palm_width / 2 + clearance) & (y <= gripper.palm_breadth / 2 + clearance)
    palm &= (z <= clearance - gripper.finger_length) & (z >= -gripper.finger_length - gripper.palm_length)
    inside: BoolArray = np.any(fingers | palm, axis=1)
    return inside


def in_grasp_frames(grasps: Grasps, points: Float64Array) -> tuple[NDArray[np.float32], ...]:
    """Distance |x| from the middle along the axis, |y| across, and z along the approach, each [N, M]."""
    rows = grasps.rotations.transpose(0, 2, 1).astype(np.float32)
    origins = np.einsum("nij,nj->ni", rows, grasps.tips.astype(np.float32))
    local = (rows.reshape(-1, 3) @ points.T.astype(np.float32)).reshape(len(grasps), 3, len(points)) - origins[
        ..., None
    ]
    return np.abs(local[:, 0]), np.abs(local[:, 1]), local[:, 2]
