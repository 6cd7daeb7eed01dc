"""Sequences of RGB-D frames of a synthetic scene with their truth."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...geometry import SE3, PinholeCamera
from ...geometry.pointmap import depth_to_pointmap
from ...pipeline import Detection, Frame
from ...replay.truth.truth_object import TruthObject
from .camera_path import CameraPath
from .photograph import Photographer
from .scene import PlacedProp, Scene, SceneConfig, make_scene
from .sensor import ColorSensor, DepthSensor, MaskNoise

VGA = PinholeCamera(640, 480, 607.0, 607.0, 321.3, 238.6)
THREADS = 2
OPTICAL_FRAME = "camera_color_optical_frame"


@dataclass(frozen=True, slots=True)
class SequenceConfig:
    """A camera that films a scene. The same config makes the same frames, to the last bit on one machine."""

    scene: SceneConfig = field(default_factory=SceneConfig)
    path: CameraPath = field(default_factory=CameraPath)
    camera: PinholeCamera = VGA
    frames: int = 48
    rate: float = 6.0  # Hz
    start_ns: int = 1_700_000_000_000_000_000
    depth: DepthSensor = field(default_factory=DepthSensor)
    color: ColorSensor = field(default_factory=ColorSensor)
    mask: MaskNoise = field(default_factory=MaskNoise)


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticFrame:
    """One frame as a robot gets it, and what is true of it."""

    frame: Frame
    depth_mm: NDArray[np.uint16]  # [H, W] 0 = none
    clean_depth: NDArray[np.float64]  # [H, W] metres, before the sensor; NaN where nothing is
    clean_labels: NDArray[np.int32]  # [H, W]
    T_world_cam: SE3
    objects: tuple[PlacedProp, ...]

    @property
    def truth(self) -> tuple[TruthObject, ...]:
        """The objects in this frame's camera."""
        T_cam_world = self.T_world_cam.inverse()
        return tuple(
            TruthObject(placed.label, placed.prop.name, placed.prop.mesh, T_cam_world @ placed.T_world_obj)
            for placed in self.objects
        )


def film(config: SequenceConfig) -> Iterator[SyntheticFrame]:
    """The frames one after another; the scene is made and lit before the first one.

    Some frames are made ahead in threads; each has its own random numbers, so that the order does not matter.
    """
    scene = make_scene(config.scene)
    photographer = Photographer(scene)
    ahead: deque[Future[SyntheticFrame]] = deque()
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        for index in range(config.frames):
            ahead.append(pool.submit(_shoot, config, scene, photographer, index))
            if len(ahead) > THREADS:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _shoot(config: SequenceConfig, scene: Scene, photographer: Photographer, index: int) -> SyntheticFrame:
    T_world_cam = config.path.pose(index / max(1, config.frames - 1))
    picture = photographer.take(config.camera, T_world_cam)
    rng = np.random.default_rng((config.scene.seed, config.path.seed, index))
    depth_mm = config.depth.measure(picture, config.camera.fx, rng)
    frame = Frame(
        config.color.expose(picture, rng),
        depth_to_pointmap(depth_mm, config.camera),
        config.mask.draw(picture.labels, rng),
        config.camera,
        config.start_ns + round(index * 1e9 / config.rate),
        OPTICAL_FRAME,
        {placed.label: Detection(placed.prop.name, 1.0) for placed in scene.objects},
    )
    return SyntheticFrame(frame, depth_mm, picture.depth, picture.labels, T_world_cam, scene.objects)
