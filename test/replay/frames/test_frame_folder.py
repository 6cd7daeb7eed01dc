"""Frame folders: what is written is read back, and what is wrong is named."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.mesh_io import write_mesh
from sam3d_ros.pipeline import Frame
from sam3d_ros.replay.frames.frame_folder import (
    FrameFolderError,
    check_frame,
    is_frame_folder,
    load_frame,
    load_truth,
    save_frame,
)
from sam3d_ros.replay.truth.truth_object import TruthObject

WIDTH, HEIGHT = 32, 24
CAMERA = PinholeCamera(WIDTH, HEIGHT, 40.0, 41.0, 15.5, 11.5)


def tetrahedron() -> Mesh:
    vertices = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]])
    triangles = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    return Mesh(vertices, triangles, np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90], [255, 0, 1]]))


def some_frame(largest_label: int = 2) -> Frame:
    rng = np.random.default_rng(3)
    depth = rng.integers(400, 3000, (HEIGHT, WIDTH)).astype(np.float32) / 1000
    depth[:3] = np.nan
    pointmap = (CAMERA.rays() * depth[..., None]).astype(np.float32)
    labels = np.zeros((HEIGHT, WIDTH), np.int32)
    labels[5:9, 5:9], labels[12:16, 20:25] = 1, largest_label
    return Frame(rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8), pointmap, labels, CAMERA)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "frame"
    pose = SE3(np.array([0.5, 0.5, -0.5, 0.5]), np.array([0.01, -0.02, 0.7]))
    save_frame(path, some_frame(), (TruthObject(2, "thing", tetrahedron(), pose, "solids"),))
    return path


def edit_json(path, change):
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize("largest_label", [2, 255, 256, 65535])
def test_a_saved_frame_is_read_back_unchanged(tmp_path, largest_label):
    frame = some_frame(largest_label)
    save_frame(tmp_path, frame)
    again = load_frame(tmp_path)
    np.testing.assert_array_equal(again.color, frame.color)
    np.testing.assert_array_equal(again.labels, frame.labels)
    np.testing.assert_allclose(again.pointmap, frame.pointmap, atol=1e-6)
    assert again.camera == frame.camera
    assert load_truth(tmp_path) == ()


def test_saved_truth_is_read_back_unchanged(folder):
    (truth,) = load_truth(folder)
    assert (truth.label, truth.name, truth.category) == (2, "thing", "solids")
    np.testing.assert_allclose(
        truth.T_cam_obj.rotation @ [1, 0, 0], SE3(np.array([0.5, 0.5, -0.5, 0.5]), np.zeros(3)).apply([1, 0, 0])
    )
    np.testing.assert_allclose(truth.T_cam_obj.translation_xyz, [0.01, -0.02, 0.7])
    np.testing.assert_allclose(truth.mesh.vertices, tetrahedron().vertices)
    np.testing.assert_array_equal(truth.mesh.vertex_colors, tetrahedron().vertex_colors)


def test_a_depth_beyond_sixteen_bit_counts_as_no_reading(tmp_path):
    frame = some_frame()
    far = frame.pointmap.copy()
    far[20, 20] = (CAMERA.rays()[20, 20] * 70).astype(np.float32)
    save_frame(tmp_path, Frame(frame.color, far, frame.labels, CAMERA))
    assert np.isnan(load_frame(tmp_path).pointmap[20, 20]).all()


def test_a_label_beyond_sixteen_bit_is_refused(tmp_path):
    with pytest.raises(FrameFolderError, match=r"65536.*renumber"):
        save_frame(tmp_path, some_frame(65536))


def test_zero_depth_becomes_nan_in_all_coordinates(folder):
    assert np.isnan(load_frame(folder).pointmap[0]).all()


def test_other_files_in_the_folder_are_left_alone(folder):
    (folder / "frame.json").write_text("not even JSON")
    load_frame(folder)


def test_a_jpeg_stands_in_for_the_colour_png(folder):
    Image.open(folder / "color.png").save(folder / "color.jpg", quality=95)
    (folder / "color.png").unlink()
    assert load_frame(folder).color.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("mode", ["RGBA", "L", "LA", "P", "1", "CMYK"])
def test_other_kinds_of_colour_image_become_rgb(folder, mode):
    image = Image.open(folder / "color.png").convert("L").convert("RGB")
    target = folder / ("color.jpg" if mode == "CMYK" else "color.png")
    (folder / "color.png").unlink()
    image.convert(mode).save(target)
    color = load_frame(folder).color
    assert color.shape == (HEIGHT, WIDTH, 3)
    if mode in ("RGBA", "L", "LA"):
        np.testing.assert_array_equal(color, np.asarray(image))


def test_a_sixteen_bit_colour_image_is_refused_as_probable_depth(folder):
    (folder / "color.png").write_bytes((folder / "depth.png").read_bytes())
    with pytest.raises(FrameFolderError, match=r"color\.png.*is it the depth"):
        load_frame(folder)


@pytest.mark.parametrize("name", ["depth.png", "intrinsics.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FrameFolderError, match=f"{name}: no such file"):
        check_frame(folder)


def test_a_missing_colour_image_names_both_possible_files(folder):
    (folder / "color.png").unlink()
    with pytest.raises(FrameFolderError, match=r"color\.png nor color\.jpg"):
        load_frame(folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FrameFolderError, match="nowhere: no such folder"):
        load_frame(tmp_path / "nowhere")


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_depth_that_is_a_preview_is_refused(folder, mode):
    Image.new(mode, (WIDTH, HEIGHT)).save(folder / "depth.png")
    with pytest.raises(FrameFolderError, match=rf"depth\.png: mode {mode}.*16-bit.*millimetres"):
        load_frame(folder)


def test_a_truncated_image_is_named(folder):
    data = (folder / "depth.png").read_bytes()
    (folder / "depth.png").write_bytes(data[: len(data) // 2])
    with pytest.raises(FrameFolderError, match=r"depth\.png: not a readable image"):
        load_frame(folder)


def test_depth_of_half_the_resolution_is_spread_over_the_colour_pixels(folder):
    Image.fromarray(np.full((HEIGHT // 2, WIDTH // 2), 1500, np.uint16)).save(folder / "depth.png")
    pointmap = load_frame(folder).pointmap
    np.testing.assert_allclose(pointmap[..., 2], 1.5)
    np.testing.assert_allclose(pointmap, CAMERA.rays() * 1.5, atol=1e-6)


def test_depth_of_another_shape_is_refused(folder):
    Image.fromarray(np.full((HEIGHT, WIDTH // 2), 1500, np.uint16)).save(folder / "depth.png")
    with pytest.raises(FrameFolderError, match=r"16x24 is another view than the 32x24.*register"):
        load_frame(folder)


def test_a_mask_of_another_size_is_refused(folder):
    Image.new("L", (WIDTH * 2, HEIGHT * 2)).save(folder / "mask.png")
    with pytest.raises(FrameFolderError, match=r"mask\.png: 64x48 but the colour image is 32x24"):
        load_frame(folder)


def test_a_palette_mask_gives_its_indices(folder):
    labels = load_frame(folder).labels
    palette = Image.new("P", (WIDTH, HEIGHT))
    palette.putdata(labels.reshape(-1).tolist())
    palette.putpalette([0, 0, 0, 200, 10, 10, 10, 200, 10])
    palette.save(folder / "mask.png")
    np.testing.assert_array_equal(load_frame(folder).labels, labels)


def test_a_grey_mask_saved_as_rgb_is_read(folder):
    labels = load_frame(folder).labels
    Image.fromarray(labels.astype(np.uint8)).convert("RGB").save(folder / "mask.png")
    np.testing.assert_array_equal(load_frame(folder).labels, labels)


def test_a_coloured_mask_is_refused(folder):
    Image.new("RGB", (WIDTH, HEIGHT), (200, 10, 10)).save(folder / "mask.png")
    with pytest.raises(FrameFolderError, match=r"mask\.png: mode RGB is not a label image"):
        load_frame(folder)


def test_a_mask_with_transparency_is_refused(folder):
    Image.new("RGBA", (WIDTH, HEIGHT)).save(folder / "mask.png")
    with pytest.raises(FrameFolderError, match="transparency"):
        load_frame(folder)


def test_a_jpeg_mask_is_refused_because_it_changes_labels(folder):
    Image.open(folder / "mask.png").save(folder / "mask.jpg")
    (folder / "mask.png").unlink()
    with pytest.raises(FrameFolderError, match="JPEG changes labels"):
        check_frame(folder)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("fx", "525", "fx must be a number, got '525'"),
        ("cy", None, "cy must be a number, got None"),
        ("fy", 0.0, "not calibrated"),
        ("fx", float("nan"), "not calibrated"),
        ("width", 640, "says 640x24 but the colour image is 32x24"),
        ("height", True, "height must be a number, got True"),
    ],
)
def test_wrong_intrinsics_are_named(folder, key, value, message):
    edit_json(folder / "intrinsics.json", lambda data: data.update({key: value}))
    with pytest.raises(FrameFolderError, match=message):
        load_frame(folder)


@pytest.mark.parametrize("text", ["{", "[1, 2]"])
def test_intrinsics_that_are_no_object_are_refused(folder, text):
    (folder / "intrinsics.json").write_text(text)
    with pytest.raises(FrameFolderError, match=r"intrinsics\.json"):
        load_frame(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[0].update(mesh="nothing.ply"), "mesh 'nothing.ply' cannot be read"),
        (lambda data: data[0].update(mesh=7), "mesh must name a file, got 7"),
        (lambda data: data[0].update(id=0), "id must be a whole number from 1"),
        (lambda data: data[0].update(id="2"), "id must be a whole number from 1"),
        (lambda data: data[0].update(T_cam_obj=[[1, 0], [0, 1]]), "no rigid 4x4"),
        (lambda data: data[0].update(T_cam_obj=np.diag([2.0, 2, 2, 1]).tolist()), "no rigid 4x4"),
        (lambda data: data[0].update(T_cam_obj="identity"), "no rigid 4x4"),
        (lambda data: data.append(dict(data[0])), "id 2 occurs more than once"),
        (lambda data: data.append("cup"), "object 1: expected id, mesh and T_cam_obj"),
    ],
)
def test_wrong_truth_is_named(folder, change, message):
    edit_json(folder / "objects.json", change)
    with pytest.raises(FrameFolderError, match=message):
        load_truth(folder)


def test_a_truth_matrix_of_row_vectors_is_recognised(folder):
    edit_json(
        folder / "objects.json", lambda data: data[0].update(T_cam_obj=np.transpose(data[0]["T_cam_obj"]).tolist())
    )
    with pytest.raises(FrameFolderError, match="row-vector"):
        load_truth(folder)


@pytest.mark.parametrize("content", [b"", b"not a mesh at all", b"ply\nformat ascii 1.0\nend_header\n"])
def test_a_broken_truth_mesh_is_named(folder, content):
    (folder / "broken.ply").write_bytes(content)
    edit_json(folder / "objects.json", lambda data: data[0].update(mesh="broken.ply"))
    with pytest.raises(FrameFolderError, match=r"mesh 'broken\.ply' cannot be read"):
        load_truth(folder)


def test_truth_in_glb_is_turned_from_y_up(folder):
    write_mesh(folder / "thing.glb", tetrahedron())
    edit_json(folder / "objects.json", lambda data: data[0].update(mesh="thing.glb"))
    np.testing.assert_allclose(load_truth(folder)[0].mesh.vertices, tetrahedron().vertices, atol=1e-7)


def test_a_folder_without_any_frame_file_is_no_frame_folder(tmp_path, folder):
    assert is_frame_folder(folder)
    assert not is_frame_folder(tmp_path)


def test_real_frames_load_with_their_masks_and_truth(real_frames):
    for path in real_frames:
        frame = load_frame(path)
        assert frame.instance_labels()
        assert np.isfinite(frame.pointmap[..., 2]).mean() > 0.3
        assert {item.label for item in load_truth(path)} <= set(frame.instance_labels())
