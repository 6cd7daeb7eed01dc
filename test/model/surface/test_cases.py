"""The enumeration of the 256 cases."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from surface_by_loops import patches as patches_by_rule

from sam3d_ros.model.surface.cases import CORNERS, EDGES, case_tables, edge_ring, face_arcs, patches, pinch

ALL_CASES = range(256)
NORMALS = [tuple(sign * (axis == a) for a in range(3)) for axis in range(3) for sign in (-1, 1)]


def crossed_edges(case):
    return {e for e, (a, b) in enumerate(EDGES) if (case >> a ^ case >> b) & 1}


def moved(case, place):
    return sum(1 << place[j] for j in range(8) if case >> j & 1)


# Where each corner goes: cycling the axes, swapping two and mirroring one make all 48 ways to turn and mirror a cube.
CYCLE = [CORNERS.index((y, z, x)) for x, y, z in CORNERS]
SWAP = [CORNERS.index((y, x, z)) for x, y, z in CORNERS]
MIRROR = [CORNERS.index((1 - x, y, z)) for x, y, z in CORNERS]


def components(nodes, links):
    if not nodes:
        return 0
    rows, columns = zip(*links, strict=True) if links else ((), ())
    labels = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(8, 8)), directed=False)[1]
    return len({labels[j] for j in nodes})


def test_every_crossed_edge_lies_in_exactly_one_patch():
    for case in ALL_CASES:
        edges = [edge for patch in patches(case) for edge in patch]
        assert sorted(edges) == sorted(crossed_edges(case))


def test_no_cube_has_more_than_four_patches_of_at_most_seven_edges():
    # The published table has four groups of seven.
    assert max(len(patches(case)) for case in ALL_CASES) == 4
    assert max(len(patch) for case in ALL_CASES for patch in patches(case)) == 7
    assert min(len(patch) for case in ALL_CASES for patch in patches(case)) == 3


def test_patches_are_one_less_than_the_regions_that_they_cut_the_cube_into():
    # k disjoint loops cut a sphere into k + 1 regions. Inside corners hold together along edges only; outside ones also
    # across the diagonal of an ambiguous face.
    for case in ALL_CASES:
        inside = [j for j in range(8) if case >> j & 1]
        outside = [j for j in range(8) if not case >> j & 1]
        along = [edge for edge in EDGES if (case >> edge[0] & 1) == (case >> edge[1] & 1)]
        across = [
            (a, b)
            for a in outside
            for b in outside
            if sum(p != q for p, q in zip(CORNERS[a], CORNERS[b], strict=True)) == 2
        ]
        regions = components(inside, along) + components(outside, along + across)
        assert len(patches(case)) == regions - 1


def test_the_tracing_agrees_with_the_rule_for_pairs_of_edges():
    for case in ALL_CASES:
        assert list(patches(case)) == patches_by_rule([bool(case >> j & 1) for j in range(8)])


@pytest.mark.parametrize("place", [CYCLE, SWAP, MIRROR], ids=["cycle", "swap", "mirror"])
def test_turned_and_mirrored_cubes_have_turned_and_mirrored_patches(place):
    edge_place = [next(f for f, g in enumerate(EDGES) if {place[a], place[b]} == set(g)) for a, b in EDGES]
    for case in ALL_CASES:
        expected = {frozenset(edge_place[e] for e in patch) for patch in patches(case)}
        assert {frozenset(patch) for patch in patches(moved(case, place))} == expected


@pytest.mark.parametrize("normal", NORMALS)
def test_both_cubes_at_a_face_draw_the_same_arcs(normal):
    opposite = tuple(-n for n in normal)
    to_mirror = [CORNERS.index(tuple(c ^ (n != 0) for c, n in zip(corner, normal, strict=True))) for corner in CORNERS]
    here = [j for j in range(8) if all(n == 0 or CORNERS[j][a] == (n > 0) for a, n in enumerate(normal))]
    for signs in range(16):
        case = sum(1 << j for i, j in enumerate(here) if signs >> i & 1)
        beyond = moved(case, to_mirror)
        ends = {frozenset(frozenset(to_mirror[j] for j in EDGES[e]) for e in arc) for arc in face_arcs(case, normal)}
        assert ends == {frozenset(frozenset(EDGES[e]) for e in arc) for arc in face_arcs(beyond, opposite)}


def test_two_inside_corners_across_a_face_are_kept_apart():
    assert patches(0b0000_1001) == ((0, 3, 8), (4, 5, 9))
    assert len(patches(0b1111_0110)) == 1  # of the complement the outside corners are joined


def test_thirty_six_cases_can_be_pinched_and_have_one_ambiguous_face_each():
    pinched = [case for case in ALL_CASES if any(pinch(case))]
    assert Counter(bin(case).count("1") for case in pinched) == {5: 24, 6: 12}  # C16 and C19
    for case in pinched:
        assert [normal for normal in NORMALS if len(face_arcs(case, normal)) == 2] == [pinch(case)]


def test_the_complement_of_a_pinched_case_has_the_two_arcs_in_two_patches():
    for case in ALL_CASES:
        if any(pinch(case)):
            assert crossed_edges(255 - case) == crossed_edges(case)
            assert len(patches(255 - case)) == 2
            assert not any(pinch(255 - case))


def test_no_case_but_the_pinched_ones_has_both_arcs_of_a_face_in_one_patch():
    for case in ALL_CASES:
        for normal in NORMALS:
            arcs = face_arcs(case, normal)
            together = any(len(arcs) == 2 and {*arcs[0], *arcs[1]} <= set(patch) for patch in patches(case))
            assert together == (any(pinch(case)) and pinch(case) == normal)


def test_the_tables_say_what_the_functions_say():
    tables = case_tables()
    for case in ALL_CASES:
        assert tables.patch_count[case] == len(patches(case))
        assert tuple(tables.pinch[case].tolist()) == pinch(case)
        row = tables.patch_of_edge[case].tolist()
        assert [tuple(e for e in range(12) if row[e] == i) for i in range(len(patches(case)))] == list(patches(case))


@pytest.mark.parametrize("edge", range(12))
def test_the_ring_of_an_edge_is_the_same_edge_in_four_cubes(edge):
    ring = edge_ring(edge)
    assert [step for step, _ in ring] == sorted({step for step, _ in ring})
    assert len(ring) == 4
    for step, number in ring:
        for here, there in zip(EDGES[edge], EDGES[number], strict=True):
            assert tuple(c + s for c, s in zip(CORNERS[there], step, strict=True)) == CORNERS[here]
