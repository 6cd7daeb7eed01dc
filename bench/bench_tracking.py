"""Following ten known objects in 640x480 frames: milliseconds by stage, and our fit beside Open3D's ICP.

.venv/bin/python bench/bench_tracking.py [--objects 10] [--frames 60]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import open3d as o3d

from sam3d_ros.geometry import SE3, Mesh, PinholeCamera
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.geometry.pose_batch import PoseBatch
from sam3d_ros.geometry.render import cast_rays
from sam3d_ros.pipeline import CancelToken, Detail, Frame, ProgressCallback, Quality, Reconstruction
from sam3d_ros.pipeline.alignment import AlignmentTask, align_all
from sam3d_ros.pipeline.registration import RegistrationConfig, RegistrationTarget, register_all
from sam3d_ros.pipeline.silhouette import Sight, View
from sam3d_ros.tracking.masks import split_masks
from sam3d_ros.tracking.tracker import SceneTracker

CAMERA = PinholeCamera(640, 480, 600.0, 600.0, 319.5, 239.5)
DOWN = np.array([[1.0, 0, 0], [0, -0.6, -0.8], [0, 0.8, -0.6]])
POINTS = 200


def step_mesh() -> Mesh:
    """Two boxes that make a step, about 5,000 triangles."""
    gray = np.full(3, 128.0)
    low = box_mesh(np.array([0.12, 0.08, 0.04]), color=gray, cells=14)
    high = box_mesh(np.array([0.05, 0.06, 0.05]), color=gray, cells=14)
    vertices = np.concatenate([low.vertices - [0, 0, 0.025], high.vertices + [-0.03, 0.005, 0.02]])
    triangles = np.concatenate([low.triangles, high.triangles + len(low.vertices)])
    return Mesh(vertices, triangles, np.full((len(vertices), 3), 128, np.uint8))


class Scene:
    """Objects at rest before a camera that moves sideways and turns."""

    def __init__(self, count: int) -> None:
        self.mesh = step_mesh()
        places = [(-0.4 + 0.2 * (k % 5), -0.25 + 0.28 * (k // 5), 1.1 + 0.03 * k) for k in range(count)]
        self.T_world_obj = [SE3.from_rotation(DOWN, place) for place in places]

    def poses(self, k: int) -> list[SE3]:
        T_world_cam = SE3(np.array([1.0, 0.0, 0.002 * np.sin(k / 5), 0.0]), np.array([0.003 * k % 0.1, 0.0, 0.0]))
        return [T_world_cam.inverse() @ pose for pose in self.T_world_obj]

    def frame(self, k: int) -> Frame:
        hits = cast_rays([self.mesh] * len(self.T_world_obj), self.poses(k), CAMERA)
        depth = np.where(hits.index < 0, 2.5, hits.depth)
        depth = depth + 0.0015 * depth**2 * np.random.default_rng(k).standard_normal(depth.shape)
        pointmap = (CAMERA.rays() * depth[..., None]).astype(np.float32)
        return Frame(np.zeros((480, 640, 3), np.uint8), pointmap, hits.index + 1, CAMERA, k * 33_000_000)


class TrueBackend:
    """Answers with the scene's own meshes at their true poses of the first frame."""

    name = "true"

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def load(self) -> None: ...

    def prepare(self, frame: Frame) -> Any:
        return frame

    def reconstruct(
        self, prepared: Any, label: int, *, detail: Detail, progress: ProgressCallback, cancel: CancelToken
    ) -> Reconstruction:
        pose = self.scene.poses(0)[label - 1]
        return Reconstruction(label, self.scene.mesh, pose, 0.12, Quality(), np.eye(6) * 1e-6)

    def drop_caches(self) -> None: ...

    def unload(self) -> None: ...


def follow(scene: Scene, frames: int) -> None:
    """The tracker on a sequence: time of each stage, of all, and distance from the true poses."""
    tracker = SceneTracker(TrueBackend(scene))
    tracker.process(scene.frame(0))
    stages: dict[str, list[float]] = {}
    errors = []
    for k in range(1, frames):
        frame = scene.frame(k)
        started, cpu = time.perf_counter(), time.process_time()
        update = tracker.process(frame)
        stages.setdefault("all", []).append((time.perf_counter() - started) * 1e3)
        stages.setdefault("all, processor time", []).append((time.process_time() - cpu) * 1e3)
        for name, milliseconds in update.latency_ms.items():
            stages.setdefault(name, []).append(milliseconds)
        truth = scene.poses(k)
        errors += [
            float(np.linalg.norm(obj.T_ref_obj.translation_xyz - truth[obj.label - 1].translation_xyz))
            for obj in update.objects
        ]
    print(f"following {len(scene.T_world_obj)} objects of {len(scene.mesh.triangles)} triangles, {frames} frames")
    for name, values in stages.items():
        print(f"  {name:20s} p50 {np.percentile(values, 50):6.1f} ms   p95 {np.percentile(values, 95):6.1f} ms")
    print(
        f"  position error       p50 {np.percentile(errors, 50) * 1e3:6.2f} mm   "
        f"p95 {np.percentile(errors, 95) * 1e3:6.2f} mm"
    )


def fits(scene: Scene) -> None:
    """Pose fits alone, from the poses of the frame before: ours in one batch, and Open3D's ICP one by one."""
    frame = scene.frame(2)
    views = split_masks(frame, points=POINTS)
    first, truth = scene.poses(1), scene.poses(2)
    targets = [RegistrationTarget(scene.mesh) for _ in first]
    sights = [Sight(v.points, v.label, v.box) for _, v in sorted(views.items())]
    jobs = list(zip(targets, sights, strict=True))
    config = RegistrationConfig(points=POINTS)
    view = View(frame.labels, CAMERA, frame.pointmap[..., 2])
    batch, count = PoseBatch.of(first), len(first)
    surfaces, p_cam = [target.surface for target in targets], [sight.points for sight in sights]
    task = AlignmentTask(surfaces, batch, p_cam, np.zeros((count, 2)), np.zeros(count))
    starts = list(zip(targets, first, sights, strict=True))
    _row("ours, depth alone", lambda: align_all(task, config.alignment, points=POINTS).T_cam_obj.poses(), truth)
    _row("Open3D, depth alone", lambda: [_open3d(target, T, sight.points) for target, T, sight in starts], truth)
    _row("ours, depth and outline", lambda: register_all(jobs, batch, view, config).T_cam_obj.poses(), truth)


def _open3d(target: RegistrationTarget, T_cam_obj: SE3, points: np.ndarray) -> SE3:
    """Open3D's point-to-plane ICP with Tukey's loss against the same visible samples."""
    side = target.surface.visible_side(T_cam_obj.inverse().translation_xyz)
    model, seen = o3d.geometry.PointCloud(), o3d.geometry.PointCloud()
    model.points, model.normals = o3d.utility.Vector3dVector(side.points), o3d.utility.Vector3dVector(side.normals)
    seen.points = o3d.utility.Vector3dVector(points)
    registration = o3d.pipelines.registration
    result = registration.registration_icp(
        seen,
        model,
        0.02,
        T_cam_obj.inverse().as_matrix(),
        registration.TransformationEstimationPointToPlane(registration.TukeyLoss(0.01)),
        registration.ICPConvergenceCriteria(1e-4, 1e-4, 10),
    )
    return SE3.from_matrix(np.linalg.inv(result.transformation))


def _row(name: str, fit: Callable[[], list[SE3]], truth: list[SE3], repeats: int = 20) -> None:
    answers = fit()
    started = time.process_time()
    for _ in range(repeats):
        fit()
    each = (time.process_time() - started) / repeats * 1e3 / len(truth)
    errors = [np.linalg.norm(a.translation_xyz - b.translation_xyz) for a, b in zip(answers, truth, strict=True)]
    print(f"  {name:24s} {each:.2f} ms each, mean error {np.mean(errors) * 1e3:.2f} mm")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--frames", type=int, default=60)
    arguments = parser.parse_args()
    scene = Scene(arguments.objects)
    follow(scene, arguments.frames)
    print("pose fits of one frame, processor time")
    fits(scene)


if __name__ == "__main__":
    main()
