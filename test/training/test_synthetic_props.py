"""Props are closed, upright, centred, and can stand where they are put."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial import ConvexHull, Delaunay

from sam3d_ros.training.synthetic import PlacementError, SceneConfig, make_scene
from sam3d_ros.training.synthetic.props import make_prop, prop_names
from sam3d_ros.training.synthetic.scene import footprint, separation, upright
from sam3d_ros.training.synthetic.sdf import box, ellipsoid, lathe, shell, tube
from sam3d_ros.training.synthetic.surface import OpenSurfaceError, mesh_of


def test_there_are_at_least_eight_props():
    assert len(prop_names()) >= 8


@pytest.mark.parametrize("name", prop_names())
def test_every_prop_is_closed_centred_and_oriented(name):
    mesh = make_prop(name).mesh
    solid = trimesh.Trimesh(mesh.vertices, mesh.triangles, process=False)
    assert solid.is_watertight
    assert solid.volume > 0, "triangles must be counter-clockwise seen from outside"
    assert solid.body_count == 1
    np.testing.assert_allclose(mesh.box_centre, 0, atol=1e-5)
    assert 0.02 < mesh.extents.max() < 0.35, "household size in metres"


@pytest.mark.parametrize("name", prop_names())
def test_the_centre_of_mass_lies_above_the_support(name):
    mesh = make_prop(name).mesh
    solid = trimesh.Trimesh(mesh.vertices, mesh.triangles, process=False)
    low = mesh.vertices[mesh.vertices[:, 2] < mesh.vertices[:, 2].min() + 0.004]
    support = Delaunay(low[ConvexHull(low[:, :2]).vertices, :2])
    assert support.find_simplex(solid.center_mass[:2]) >= 0, f"{name} would tip over"


@pytest.mark.parametrize("name", prop_names())
def test_no_prop_is_of_one_flat_colour(name):
    colors = make_prop(name).mesh.vertex_colors.astype(int)
    assert np.ptp(colors, axis=0).max() > 8


def test_an_unknown_prop_names_the_known_ones():
    with pytest.raises(KeyError, match="mug"):
        make_prop("unicorn")


def test_distances_of_simple_solids_are_those_of_geometry():
    points = np.array([[0.0, 0, 0], [2.0, 0, 0], [0, 3.0, 0], [0, 0, -1.5]])
    np.testing.assert_allclose(ellipsoid((0, 0, 0), (1, 1, 1))(points), [-1, 1, 2, 0.5], atol=1e-9)
    np.testing.assert_allclose(box((0, 0, 0), (2, 2, 2), 0.0)(points), [-1, 1, 2, 0.5], atol=1e-9)
    np.testing.assert_allclose(tube([(0, 0, -1), (0, 0, 1)], [0.5, 0.5])(points), [-0.5, 1.5, 2.5, 0.0], atol=1e-9)
    cylinder = lathe([(0, -1), (1, -1), (1, 1), (0, 1)])
    np.testing.assert_allclose(cylinder(points)[1:], [1, 2, 0.5], atol=1e-9)
    assert shell([(1, -1), (1, 1)], 0.1)(np.array([[1.0, 0, 0]]))[0] == pytest.approx(-0.1)


def test_a_solid_that_leaves_its_box_is_refused():
    bounds = (np.full(3, -0.5), np.full(3, 0.5))
    with pytest.raises(OpenSurfaceError, match="enlarge"):
        mesh_of(ellipsoid((0, 0, 0), (1, 1, 1)), bounds, step=0.1, triangles=500)


def test_objects_stand_on_the_table_with_the_gap_between_them():
    config = SceneConfig(seed=5, count=6, gap=0.02)
    scene = make_scene(config)
    outlines = [footprint(item.prop.mesh, item.T_world_obj) for item in scene.objects]
    for first in range(len(outlines)):
        for second in range(first):
            assert separation(outlines[first], outlines[second]) >= config.gap
    for item in scene.objects:
        assert item.T_world_obj.apply(item.prop.mesh.vertices)[:, 2].min() == pytest.approx(0, abs=1e-5)
    assert [item.label for item in scene.objects] == list(range(1, 7))


def test_separation_of_squares_is_their_distance():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    assert separation(square, square + [1.5, 0]) == pytest.approx(0.5)
    assert separation(square, square + [0.5, 0.5]) < 0


def test_too_many_objects_are_an_error_and_not_an_overlap():
    with pytest.raises(PlacementError, match="larger area"):
        make_scene(SceneConfig(props=("cereal_box",) * 4, half_width=0.05, half_depth=0.05))


def test_upright_keeps_z():
    np.testing.assert_allclose(upright(1.2, np.zeros(3)).rotation[:, 2], [0, 0, 1], atol=1e-12)
