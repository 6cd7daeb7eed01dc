"""Synthetic sequences as bags, with the topics of a RealSense driver and a moving camera on TF."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ...geometry import SE3, Mesh, PinholeCamera
from ...geometry.sampling import sample_surface
from ...geometry.symmetries import SymmetryAxis
from ...replay.bags.bag_writer import BagForm, BagWriter
from ...replay.bags.message_types import header, make, rotation, transform, xyz
from ...replay.scores.surface_distance import distance_to_surface
from ...replay.truth.symmetries import Symmetries
from ...replay.truth.truth_file import KnownObject, truth_file_of, write_truth_file
from .scene import SceneConfig, make_scene
from .sequence import OPTICAL_FRAME, SequenceConfig, SyntheticFrame, film

IMAGE, CAMERA_INFO = "/camera/color/image_raw", "/camera/color/camera_info"
DEPTH, MASK = "/camera/aligned_depth_to_color/image_raw", "/segmentation/mask"
DETECTIONS = "/segmentation/detections"
TOPICS = {"image": IMAGE, "camera_info": CAMERA_INFO, "depth": DEPTH, "mask": MASK, "detections": DETECTIONS}
MAP_FRAME, CAMERA_FRAME = "map", "camera_link"

_SAMPLES, _ANGLES = 1000, (17.0, 45.0, 101.0)  # degrees
_ROUND = 0.01  # of the diagonal: how far a turned body of revolution may lie from itself, its mesh has corners

# Optical axes (z forward, x right, y down) in a body frame (x forward, y left, z up), REP 103.
T_LINK_OPTICAL = SE3.from_rotation(np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]), np.zeros(3))


def write_sequence(
    path: Path,
    config: SequenceConfig,
    *,
    form: BagForm | None = None,
    on_frame: Callable[[SyntheticFrame], None] | None = None,
) -> None:
    """Film a scene into a bag; `on_frame` sees each frame as it is made."""

    def seen() -> Iterator[SyntheticFrame]:
        for shot in film(config):
            yield shot
            if on_frame is not None:
                on_frame(shot)

    write_shots(path, seen(), form=form)


def write_truth(bag: Path, scene: SceneConfig) -> Path:
    """Write what is true of a filmed scene beside its bag, where `sam3d-ros evaluate --bags` finds it; the file."""
    objects = make_scene(scene).objects
    names = Counter(placed.prop.name for placed in objects)
    known = [
        KnownObject(
            name=placed.prop.name if names[placed.prop.name] == 1 else f"{placed.prop.name}_{placed.label}",
            category=placed.prop.name,
            mesh=placed.prop.mesh,
            label=placed.label,
            frame=MAP_FRAME,
            T_frame_obj=placed.T_world_obj,
            symmetries=_symmetries(placed.prop.mesh),
        )
        for placed in objects
    ]
    path = truth_file_of(bag)
    write_truth_file(path, known)
    return path


def write_shots(path: Path, shots: Iterable[SyntheticFrame], *, form: BagForm | None = None) -> None:
    """Write filmed frames into a bag."""
    with BagWriter(path, form) as bag:
        for index, shot in enumerate(shots):
            if index == 0:
                _write_static(bag, shot.frame.stamp_ns)
            _write_frame(bag, shot)


def image_message(pixels: NDArray[Any], encoding: str, head: Any) -> Any:
    """sensor_msgs/Image of pixels [H, W] or [H, W, 3], little-endian."""
    data = np.ascontiguousarray(pixels).reshape(-1).view(np.uint8)
    height, width = pixels.shape[:2]
    return make(
        "sensor_msgs/Image",
        header=head,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=data.size // height,
        data=data,
    )


def camera_info_message(camera: PinholeCamera, head: Any) -> Any:
    """sensor_msgs/CameraInfo of a rectified camera."""
    K = camera.matrix
    return make(
        "sensor_msgs/CameraInfo",
        header=head,
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=K.reshape(9),
        r=np.eye(3).reshape(9),
        p=np.hstack([K, np.zeros((3, 1))]).reshape(12),
        binning_x=0,
        binning_y=0,
        roi=make("sensor_msgs/RegionOfInterest", x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
    )


def tf_message(parent: str, child: str, T_parent_child: SE3, stamp_ns: int) -> Any:
    """tf2_msgs/TFMessage with one transform."""
    stamped = make(
        "geometry_msgs/TransformStamped",
        header=header(stamp_ns, parent),
        child_frame_id=child,
        transform=transform(T_parent_child),
    )
    return make("tf2_msgs/TFMessage", transforms=[stamped])


def _symmetries(mesh: Mesh) -> Symmetries:
    """The upright axis of a body of revolution, whatever its colours."""
    centre = mesh.box_centre.astype(np.float64)
    points = sample_surface(mesh, _SAMPLES, seed=0).points - centre
    limit = _ROUND * float(np.linalg.norm(mesh.extents))
    turns = (Rotation.from_euler("z", angle, degrees=True) for angle in _ANGLES)
    if all(distance_to_surface(turn.apply(points) + centre, mesh).max() < limit for turn in turns):
        return Symmetries(axes=(SymmetryAxis(np.array([0.0, 0.0, 1.0]), centre),))
    return Symmetries()


def _write_static(bag: BagWriter, stamp_ns: int) -> None:
    message = tf_message(CAMERA_FRAME, OPTICAL_FRAME, T_LINK_OPTICAL, stamp_ns)
    bag.write("/tf_static", "tf2_msgs/msg/TFMessage", stamp_ns, message)


def _write_frame(bag: BagWriter, shot: SyntheticFrame) -> None:
    stamp = shot.frame.stamp_ns
    head = header(stamp, shot.frame.frame_id)
    T_map_link = shot.T_world_cam @ T_LINK_OPTICAL.inverse()
    image = "sensor_msgs/msg/Image"
    mask = shot.frame.labels.astype(np.uint8)
    bag.write("/tf", "tf2_msgs/msg/TFMessage", stamp, tf_message(MAP_FRAME, CAMERA_FRAME, T_map_link, stamp))
    bag.write(CAMERA_INFO, "sensor_msgs/msg/CameraInfo", stamp, camera_info_message(shot.frame.camera, head))
    bag.write(IMAGE, image, stamp, image_message(shot.frame.color, "rgb8", head))
    bag.write(DEPTH, image, stamp, image_message(shot.depth_mm, "16UC1", head))
    bag.write(MASK, image, stamp, image_message(mask, "mono8", head))
    bag.write(DETECTIONS, "vision_msgs/msg/Detection2DArray", stamp, _detections(shot, head))


def _detections(shot: SyntheticFrame, head: Any) -> Any:
    """Class and score by label, with the box of each mask."""
    found = [_detection(shot, label, head) for label in shot.frame.instance_labels()]
    return make("vision_msgs/Detection2DArray", header=head, detections=found)


def _detection(shot: SyntheticFrame, label: int, head: Any) -> Any:
    detection = shot.frame.detections[label]
    rows, columns = np.nonzero(shot.frame.labels == label)
    middle = make("vision_msgs/Point2D", x=float(np.mean(columns)), y=float(np.mean(rows)))
    box = make(
        "vision_msgs/BoundingBox2D",
        center=make("vision_msgs/Pose2D", position=middle, theta=0.0),
        size_x=float(np.ptp(columns) + 1),
        size_y=float(np.ptp(rows) + 1),
    )
    hypothesis = make("vision_msgs/ObjectHypothesis", class_id=detection.class_id, score=detection.score)
    result = make("vision_msgs/ObjectHypothesisWithPose", hypothesis=hypothesis, pose=_no_pose())
    return make("vision_msgs/Detection2D", header=head, results=[result], bbox=box, id=str(label))


def _no_pose() -> Any:
    pose = make("geometry_msgs/Pose", position=xyz("Point", np.zeros(3)), orientation=rotation(SE3.identity()))
    return make("geometry_msgs/PoseWithCovariance", pose=pose, covariance=np.zeros(36))
