"""Mesh files: what is written comes back, and other programs read the same."""

from __future__ import annotations

import json
import os
import struct

import numpy as np
import open3d as o3d
import pytest
import trimesh

from sam3d_ros.geometry import Mesh
from sam3d_ros.geometry.conventions import linear_from_srgb
from sam3d_ros.geometry.glb import GlbError, decode_glb, encode_glb
from sam3d_ros.geometry.mesh_io import (
    MESH_SUFFIXES,
    MeshFileError,
    content_hash,
    read_mesh,
    write_atomically,
    write_mesh,
)


def coloured_mesh():
    """A sphere off the origin with different extents on each axis and random colours: no symmetry hides a mistake."""
    sphere = trimesh.creation.icosphere(subdivisions=2)
    vertices = sphere.vertices * [0.1, 0.2, 0.3] + [1.0, 2.0, 3.0]
    return Mesh(vertices, sphere.faces, np.random.default_rng(0).integers(0, 256, (len(vertices), 3)))


def assert_equal(a, b):
    np.testing.assert_array_equal(a.vertices, b.vertices)
    np.testing.assert_array_equal(a.triangles, b.triangles)
    np.testing.assert_array_equal(a.vertex_colors, b.vertex_colors)


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_what_is_written_comes_back_exactly_in_the_object_frame(tmp_path, suffix):
    write_mesh(tmp_path / f"mesh{suffix}", coloured_mesh())
    assert_equal(read_mesh(tmp_path / f"mesh{suffix}"), coloured_mesh())


@pytest.mark.parametrize("suffix", [".ply", ".obj"])
def test_open3d_and_trimesh_read_the_same_ply_and_obj(tmp_path, suffix):
    mesh, path = coloured_mesh(), tmp_path / f"mesh{suffix}"
    write_mesh(path, mesh)
    theirs = trimesh.load(path, process=False, force="mesh")
    np.testing.assert_array_equal(theirs.vertices.astype(np.float32), mesh.vertices)
    np.testing.assert_array_equal(theirs.visual.vertex_colors[:, :3], mesh.vertex_colors)
    assert_same_coloured_points(o3d.io.read_triangle_mesh(str(path)), mesh.vertices, mesh.vertex_colors / 255)


def assert_same_coloured_points(theirs, vertices, colors):
    """Open3D may order vertices anew: compared as sets of points with their colours."""
    rows = np.concatenate([np.asarray(theirs.vertices), np.asarray(theirs.vertex_colors)], axis=1)
    ours = np.concatenate([vertices, colors], axis=1)
    rows, ours = rows[np.lexsort(rows.T[:3].round(5))], ours[np.lexsort(ours.T[:3].astype(float).round(5))]
    np.testing.assert_allclose(rows, ours, atol=2e-5)


def test_a_glb_is_y_up_with_linear_colours_as_other_programs_read_it(tmp_path):
    mesh, path = coloured_mesh(), tmp_path / "mesh.glb"
    write_mesh(path, mesh)
    expected = np.stack([mesh.vertices[:, 0], mesh.vertices[:, 2], -mesh.vertices[:, 1]], axis=1)
    theirs = trimesh.load(path, process=False, force="mesh")
    np.testing.assert_array_equal(theirs.vertices.astype(np.float32), expected)
    np.testing.assert_array_equal(theirs.faces, mesh.triangles)
    linear = linear_from_srgb(mesh.vertex_colors)
    assert_same_coloured_points(o3d.io.read_triangle_mesh(str(path)), expected, linear)


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_outward_sides_stay_outward(tmp_path, suffix):
    write_mesh(tmp_path / f"mesh{suffix}", coloured_mesh())
    theirs = trimesh.load(tmp_path / f"mesh{suffix}", force="mesh")
    assert theirs.is_watertight
    assert theirs.volume == pytest.approx(4 / 3 * np.pi * 0.1 * 0.2 * 0.3, rel=0.06)  # a coarse sphere is smaller


def test_a_glb_keeps_the_rules_of_its_container():
    data = encode_glb(coloured_mesh())
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    json_length, kind = struct.unpack_from("<I4s", data, 12)
    assert (kind, json_length % 4, length % 4) == (b"JSON", 0, 0)
    document = json.loads(data[20 : 20 + json_length])
    assert document["buffers"][0]["byteLength"] == len(data) - 28 - json_length
    assert all(view["byteOffset"] % 4 == 0 for view in document["bufferViews"])
    position = document["accessors"][0]
    np.testing.assert_allclose(position["max"], [1.1, 3.3, -1.8], rtol=1e-6)


def test_a_scene_of_another_program_comes_with_its_node_transforms(tmp_path):
    box = trimesh.creation.box((0.1, 0.2, 0.3))
    box.visual = trimesh.visual.ColorVisuals(box)
    turn = trimesh.transformations.rotation_matrix(0.5, [1, 2, 3], [0.1, 0.2, 0.3])
    mirrored = np.diag([-2.0, 1, 1, 1])
    scene = trimesh.Scene()
    scene.add_geometry(box, transform=turn, node_name="turned")
    scene.add_geometry(box, transform=mirrored, node_name="mirrored")
    scene.export(tmp_path / "scene.glb")
    ours = read_mesh(tmp_path / "scene.glb")
    theirs = trimesh.load(tmp_path / "scene.glb", force="mesh", process=False)
    in_glb_axes = np.stack([ours.vertices[:, 0], ours.vertices[:, 2], -ours.vertices[:, 1]], axis=1)
    np.testing.assert_allclose(np.sort(in_glb_axes, axis=0), np.sort(theirs.vertices, axis=0), atol=1e-6)
    volume = trimesh.Trimesh(ours.vertices, ours.triangles).volume
    assert volume == pytest.approx(3 * 0.1 * 0.2 * 0.3, rel=1e-5)  # a mirrored box still has its outside outside


def test_a_material_colour_becomes_the_vertex_colour():
    plain = encode_glb(coloured_mesh())
    length = struct.unpack_from("<I", plain, 12)[0]
    document = json.loads(plain[20 : 20 + length])
    document["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [1, 0.0, 0.21586, 1]
    del document["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]
    np.testing.assert_array_equal(decode_glb(rebuilt(document, plain)).vertex_colors[5], [255, 0, 128])


def test_textured_and_broken_glbs_are_refused():
    plain = encode_glb(coloured_mesh())
    document = json.loads(plain[20 : 20 + struct.unpack_from("<I", plain, 12)[0]])
    document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
    with pytest.raises(GlbError, match="texture"):
        decode_glb(rebuilt(document, plain))
    with pytest.raises(GlbError, match="GLB"):
        decode_glb(b"ply\nformat ascii 1.0\n")


def rebuilt(document, data):
    """The file with another JSON chunk."""
    old = struct.unpack_from("<I", data, 12)[0]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    return data[:12] + struct.pack("<I4s", len(text), b"JSON") + text + data[20 + old :]


def test_an_empty_mesh_has_no_glb():
    with pytest.raises(GlbError, match="without triangles"):
        encode_glb(Mesh(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 3))))


def test_polygons_of_other_programs_are_split(tmp_path):
    (tmp_path / "quad.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n")
    assert len(read_mesh(tmp_path / "quad.obj").triangles) == 2


def test_files_that_are_no_meshes_are_refused(tmp_path):
    with pytest.raises(MeshFileError, match="suffix"):
        write_mesh(tmp_path / "mesh.stl", coloured_mesh())
    with pytest.raises(MeshFileError, match="suffix"):
        read_mesh(tmp_path / "mesh.stl")
    for suffix in MESH_SUFFIXES:
        with pytest.raises(FileNotFoundError):
            read_mesh(tmp_path / f"missing{suffix}")


def test_a_ply_without_triangles_is_refused(tmp_path):
    write_mesh(tmp_path / "points.ply", Mesh(np.eye(3), np.zeros((0, 3)), np.zeros((3, 3))))
    with pytest.raises(MeshFileError, match="triangles"):
        read_mesh(tmp_path / "points.ply")


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
@pytest.mark.parametrize("data", [b"", b"rubbish\n", b"\x00" * 100, b"ply\n", b"f 1 2 3\n", b"glTF"])
def test_a_broken_file_is_named_with_what_to_do(tmp_path, suffix, data):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(data)
    with pytest.raises(MeshFileError, match=r"broken\.(ply|obj|glb).*export"):
        read_mesh(path)


def fault_of(path):
    """What is wrong with the file, None where it is read."""
    try:
        read_mesh(path)
    except MeshFileError as error:
        return str(error)
    return None


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_a_garbled_file_is_read_or_refused_and_nothing_else(tmp_path, suffix):
    path, random = tmp_path / f"mesh{suffix}", np.random.default_rng(0)
    write_mesh(path, coloured_mesh())
    whole = path.read_bytes()
    refused = 0
    for _ in range(150):
        data = bytearray(whole[: random.integers(len(whole))] if random.random() < 0.5 else whole)
        for place in random.integers(0, max(len(data), 1), random.integers(4)) if data else ():
            data[place] = random.integers(256)
        path.write_bytes(data)
        fault = fault_of(path)
        assert fault is None or str(path) in fault
        refused += fault is not None
    assert refused > 20


def test_a_glb_whose_nodes_go_in_a_circle_is_refused():
    plain = encode_glb(coloured_mesh())
    end = 20 + struct.unpack_from("<I", plain, 12)[0]
    document = json.loads(plain[20:end])
    document["nodes"][0]["children"] = [0]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    with pytest.raises(GlbError, match="no tree"):
        decode_glb(plain[:12] + struct.pack("<I", len(text)) + plain[16:20] + text + plain[end:])


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    target = tmp_path / "mesh.ply"
    target.write_bytes(b"old")

    def full_disk(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["mesh.ply"]


def test_files_can_be_read_by_other_users(tmp_path):
    write_atomically(tmp_path / "a" / "b.bin", b"data")
    assert (tmp_path / "a" / "b.bin").stat().st_mode & 0o777 == 0o666 & ~current_umask()


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_content_hash_changes_with_each_part_of_the_mesh():
    mesh = coloured_mesh()
    others = [
        Mesh(mesh.vertices * 1.001, mesh.triangles, mesh.vertex_colors),
        Mesh(mesh.vertices, mesh.triangles[::-1], mesh.vertex_colors),
        Mesh(mesh.vertices, mesh.triangles, 255 - mesh.vertex_colors),
    ]
    assert content_hash(mesh) == content_hash(coloured_mesh())
    assert len({content_hash(m) for m in [mesh, *others]}) == 4


def test_true_meshes_of_real_frames_are_read(shared_data):
    paths = sorted((shared_data / "rgbd_real").rglob("*.ply"))
    assert paths
    for path in paths:
        mesh = read_mesh(path)
        assert 0.02 < mesh.extents.max() < 0.5
        assert np.ptp(mesh.vertex_colors) > 50
