"""A scene of a BOP dataset, written here, becomes frames with truth; what is broken is named."""

from __future__ import annotations

import json

import numpy as np
import pytest
import trimesh
from PIL import Image

from sam3d_ros.geometry import SE3, PinholeCamera
from sam3d_ros.geometry.lie import so3_exp
from sam3d_ros.geometry.mesh_io import read_mesh
from sam3d_ros.geometry.render import render
from sam3d_ros.replay.frames import bop_models
from sam3d_ros.replay.frames.bop_scene import find_bop_frames
from sam3d_ros.replay.frames.frame_folder import FrameFolderError
from sam3d_ros.replay.frames.frame_sources import find_frames

CAMERA = PinholeCamera(160, 120, 200.0, 201.0, 79.0, 60.5)
POSES = (SE3(so3_exp([0.3, -0.2, 0.5]), np.array([-0.06, 0.0, 0.6])), SE3(so3_exp([0, 1, 0]), np.array([0.07, 0, 0.7])))
DEPTH_SCALE = 0.1  # tenths of a millimetre


@pytest.fixture
def scene(tmp_path):
    """Dataset with one image, number 7, of a box (1, symmetric about z by half turns) and a cylinder (12, round)."""
    models, scene = tmp_path / "set" / "models", tmp_path / "set" / "test" / "000003"
    write_models(models)
    meshes = [trimesh_in_metres(models / f"obj_{number:06d}.ply") for number in (1, 12)]
    rendering = render(meshes, POSES, CAMERA)
    for name in ("rgb", "depth", "mask_visib"):
        (scene / name).mkdir(parents=True)
    Image.fromarray(rendering.color).save(scene / "rgb" / "000007.png")
    raw = np.rint(np.nan_to_num(rendering.depth) * 1000 / DEPTH_SCALE).astype(np.uint16)
    Image.fromarray(raw).save(scene / "depth" / "000007.png")
    for position in range(2):
        mask = np.where(rendering.index == position, 255, 0).astype(np.uint8)
        Image.fromarray(mask).save(scene / "mask_visib" / f"000007_{position:06d}.png")
    camera = {"7": {"cam_K": CAMERA.matrix.reshape(-1).tolist(), "depth_scale": DEPTH_SCALE}}
    write(scene / "scene_camera.json", camera)
    write(scene / "scene_gt.json", {"7": [truth_entry(1, POSES[0]), truth_entry(12, POSES[1])]})
    return scene


def write_models(folder):
    folder.mkdir(parents=True)
    trimesh.creation.box((100, 60, 140)).export(folder / "obj_000001.ply", encoding="ascii")
    trimesh.creation.cylinder(30, 80).export(folder / "obj_000012.ply", encoding="ascii")
    half_turn = [-1, 0, 0, 4, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]  # about the line x = 2 mm
    round_about = {"axis": [0, 0, 1], "offset": [1, 0, 0]}
    info = {
        "1": {"diameter": 182.2, "symmetries_discrete": [half_turn]},
        "12": {"diameter": 100.0, "symmetries_continuous": [round_about]},
    }
    write(folder / "models_info.json", info)


def trimesh_in_metres(path):
    mesh = read_mesh(path)
    return type(mesh)(mesh.vertices / 1000, mesh.triangles, mesh.vertex_colors)


def truth_entry(number, pose):
    return {
        "obj_id": number,
        "cam_R_m2c": pose.rotation.reshape(-1).tolist(),
        "cam_t_m2c": (1000 * pose.translation_xyz).tolist(),
    }


def write(path, data):
    path.write_text(json.dumps(data))


def edit(path, change):
    data = json.loads(path.read_text())
    change(data)
    write(path, data)


@pytest.fixture(autouse=True)
def forget_models():
    bop_models.load_model.cache_clear()


def test_an_image_becomes_the_frame_that_the_node_would_see(scene):
    (source,) = find_bop_frames(scene)
    source.check()
    frame = source.load_frame()
    assert source.name == "000003_000007"
    assert source.has_mask
    assert frame.camera == CAMERA
    assert list(frame.instance_labels()) == [1, 2]
    seen = render([item.mesh for item in source.load_truth()], POSES, CAMERA)
    np.testing.assert_array_equal(frame.labels, seen.index + 1)
    # Depth is stored in steps of 0.1 mm.
    np.testing.assert_allclose(frame.pointmap[..., 2], seen.depth, atol=0.06e-3)


def test_truth_is_in_metres_with_its_symmetries(scene):
    box, cylinder = find_bop_frames(scene)[0].load_truth()
    assert (box.label, box.name, cylinder.label, cylinder.name) == (1, "obj_000001", 2, "obj_000012")
    np.testing.assert_allclose(box.mesh.extents, [0.1, 0.06, 0.14], atol=1e-6)
    np.testing.assert_allclose(box.T_cam_obj.as_matrix(), POSES[0].as_matrix(), atol=1e-9)
    assert (len(box.symmetries), len(cylinder.symmetries)) == (2, 315)
    np.testing.assert_allclose(box.symmetries[1].apply([0.002, 0, 0]), [0.002, 0, 0], atol=1e-12)
    np.testing.assert_allclose(cylinder.symmetries[100].apply([0.001, 0, 0.05]), [0.001, 0, 0.05], atol=1e-12)


def test_models_may_lie_elsewhere(scene, tmp_path):
    models = scene.parents[1] / "models"
    models.rename(tmp_path / "elsewhere")
    with pytest.raises(FrameFolderError, match=r"no folder models here .* give --bop-models DIR"):
        find_bop_frames(scene)
    (source,) = find_frames([], [scene], tmp_path / "elsewhere")
    assert len(source.load_truth()) == 2
    with pytest.raises(FrameFolderError, match="no such folder of models"):
        find_bop_frames(scene, tmp_path / "nowhere")


def test_a_long_scene_can_be_thinned_out_evenly(scene):
    for name in ("scene_camera.json", "scene_gt.json"):
        edit(scene / name, lambda data: data.update({str(image): data["7"] for image in range(1, 101)}))
    assert [frame.image for frame in find_bop_frames(scene, most=4)] == [1, 26, 51, 76]
    assert len(find_bop_frames(scene, most=7)) <= 7
    assert len(find_bop_frames(scene, most=1000)) == len(find_bop_frames(scene)) == 100


def test_a_grey_jpg_serves_as_colour(scene):
    image = Image.open(scene / "rgb" / "000007.png").convert("L")
    (scene / "rgb" / "000007.png").unlink()
    (scene / "gray").mkdir()
    image.save(scene / "gray" / "000007.jpg")
    assert find_bop_frames(scene)[0].load_frame().color.shape == (120, 160, 3)


def set_key(key, value):
    return lambda data: data["7"].update({key: value})


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("scene_camera.json", set_key("cam_K", [1, 2, 3]), r"scene_camera.json: image 7: cam_K must be a list of 9"),
        ("scene_camera.json", set_key("cam_K", [0] * 9), "cam_K: camera is not calibrated"),
        ("scene_camera.json", set_key("depth_scale", "fine"), "depth_scale must be a number, got 'fine'"),
        ("scene_camera.json", set_key("depth_scale", 0), "depth_scale must be positive, got 0"),
        ("scene_camera.json", lambda data: data.update({"8": data.pop("7")}), "no entry for image 7"),
        ("scene_camera.json", lambda data: data.clear(), "one entry per image number"),
        ("scene_gt.json", lambda data: data.update(x=[]), "keys are image numbers, got 'x'"),
        ("scene_gt.json", lambda data: data.update({"7": 3}), "scene_gt.json: image 7: expected a list, got 3"),
        ("scene_gt.json", lambda data: data["7"].append(4), "image 7, instance 2: obj_id"),
        ("scene_gt.json", lambda data: data["7"][1].update(obj_id="1"), "instance 1: obj_id .* got '1'"),
        ("scene_gt.json", lambda data: data["7"][0].pop("cam_t_m2c"), "instance 0: cam_t_m2c .* got None"),
        ("scene_gt.json", lambda data: data["7"][0].update(cam_R_m2c=[1] * 9), "cam_R_m2c: not a rotation"),
        ("scene_gt.json", lambda data: data["7"][0].update(obj_id=5), "model obj_000005.ply cannot be read"),
    ],
)
def test_a_broken_entry_is_named_by_file_image_and_key(scene, file, change, words):
    edit(scene / file, change)
    if "instance 2" in words:
        Image.new("L", (160, 120)).save(scene / "mask_visib" / "000007_000002.png")
    with pytest.raises(FrameFolderError, match=words):
        find_bop_frames(scene)[0].check()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.pop("1"), "models_info.json: object 1: no entry"),
        (lambda data: data["1"].update(symmetries_discrete=[[1] * 15]), "symmetries_discrete must be a"),
        (lambda data: data["1"].update(symmetries_discrete=[[2] * 16]), "object 1: not a symmetry"),
        (lambda data: data["1"].update(symmetries_discrete=7), "symmetries_discrete must be a list, got 7"),
        (lambda data: data["12"]["symmetries_continuous"][0].pop("axis"), "symmetries_continuous: axis must be a list"),
        (lambda data: data["12"]["symmetries_continuous"][0].update(axis=[0, 0, 0]), "object 12: not a symmetry"),
    ],
)
def test_a_broken_symmetry_is_named_by_object(scene, change, words):
    edit(scene.parents[1] / "models" / "models_info.json", change)
    with pytest.raises(FrameFolderError, match=words):
        find_bop_frames(scene)[0].check()


def test_missing_and_misfitting_images_are_named(scene):
    (source,) = find_bop_frames(scene)
    small = Image.new("L", (80, 60))
    small.save(scene / "mask_visib" / "000007_000001.png")
    with pytest.raises(FrameFolderError, match=r"000007_000001.png: 80x60 but the colour image is 160x120"):
        source.check()
    (scene / "mask_visib" / "000007_000001.png").unlink()
    with pytest.raises(FrameFolderError, match=r"000007_000001.png: no such file"):
        source.check()
    (scene / "depth" / "000007.png").unlink()
    with pytest.raises(FrameFolderError, match=r"depth/000007.png: no such file"):
        source.check()
    (scene / "rgb" / "000007.png").unlink()
    with pytest.raises(FrameFolderError, match=r"no rgb/000007.png, nor as .jpg, nor in gray/"):
        source.check()


def test_two_scenes_of_one_name_would_overwrite_each_other(scene, tmp_path):
    other = tmp_path / "set" / "train" / "000003"
    other.parent.mkdir()
    scene.rename(other)
    other.parent.rename(tmp_path / "set" / "val")
    moved = tmp_path / "set" / "val" / "000003"
    scene.mkdir()
    for path in moved.iterdir():
        (scene / path.name).symlink_to(path)
    with pytest.raises(FrameFolderError, match="would both write to 000003_000007"):
        find_frames([], [scene, moved])
    assert len(find_frames([], [moved, moved])) == 1
