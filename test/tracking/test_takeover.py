"""A better view: a new mesh under the same id and the same frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sam3d_ros.geometry import SE3
from sam3d_ros.geometry.box_mesh import box_mesh
from sam3d_ros.geometry.lie import so3_exp
from sam3d_ros.geometry.metrics import rotation_error, translation_error
from sam3d_ros.pipeline import Quality, Reconstruction
from sam3d_ros.tracking import ObjectState
from sam3d_ros.tracking.config import TrackingConfig
from sam3d_ros.tracking.takeover import in_frame_of
from sam3d_ros.tracking.tracker import SceneTracker

from .conftest import FRAME_NS, rotation_about, step_mesh

OLD = SE3.from_rotation(rotation_about([1, 2, 0], 0.7), [0.1, -0.1, 0.7])
NEW = SE3.from_rotation(rotation_about([0, 1, 1], -0.4), [0.13, -0.08, 0.74])
DEVIATIONS = np.array([0.001, 0.002, 0.003, 0.02, 0.03, 0.01])


def answer() -> Reconstruction:
    return Reconstruction(1, step_mesh(), NEW, 0.1, Quality(), np.diag(DEVIATIONS**2))


def test_the_surface_stays_where_it_is_and_the_frame_is_the_old_one():
    taken = in_frame_of(answer(), OLD)
    assert taken.T_cam_obj is OLD
    before, after = (item.T_cam_obj.apply(item.mesh.vertices) for item in (answer(), taken))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_the_covariance_is_that_of_the_other_origin():
    rng = np.random.default_rng(0)
    errors = rng.standard_normal((20_000, 6)) * DEVIATIONS
    lever = OLD.translation_xyz - NEW.translation_xyz
    # Origin of the old frame, carried by the new one: t + dt + Exp(dr) lever.
    turned = np.array([SE3(so3_exp(error[3:]), np.zeros(3)).apply(lever) for error in errors])
    moved = np.concatenate([errors[:, :3] + turned - lever, errors[:, 3:]], axis=1)
    said = in_frame_of(answer(), OLD).covariance
    scale = np.sqrt(np.diag(said))
    np.testing.assert_allclose(np.cov(moved.T) / np.outer(scale, scale), said / np.outer(scale, scale), atol=0.04)


class Turning:
    """A backend whose object frame differs from answer to answer; the surface is the true one."""

    name = "turning"

    def __init__(self, world) -> None:
        self.world, self.asked = world, []

    def prepare(self, frame):
        return frame

    def reconstruct(self, prepared, label, *, detail, progress, cancel):
        T_old_new = SE3.from_rotation(rotation_about([0, 0, 1], 1.0 * len(self.asked)), [0.01 * len(self.asked), 0, 0])
        self.asked.append(label)
        mesh = self.world.meshes[label].transformed(T_old_new.inverse())
        pose = self.world.T_cam_obj(label) @ T_old_new
        return Reconstruction(label, mesh, pose, 0.1, Quality(), np.eye(6) * 1e-6)


def covered(frame, share: float):
    """The frame with a board 20 cm before the left `share` of the object's mask."""
    _, u = np.nonzero(frame.labels == 1)
    edge = np.quantile(u, share)
    hidden = (np.arange(frame.labels.shape[1]) < edge) & np.ones_like(frame.labels, bool)
    pointmap = np.where(hidden[..., None], frame.camera.rays() * 0.4, frame.pointmap).astype(np.float32)
    return replace(frame, labels=np.where(hidden, 0, frame.labels), pointmap=pointmap)


@pytest.mark.parametrize(("better_view", "meshes"), [(1.6, 2), (0.0, 1)])
def test_what_was_half_covered_is_made_anew_without_a_jump(world, better_view, meshes):
    world.add(1, [0.0, 0.0, 0.7])
    backend = Turning(world)
    tracker = SceneTracker(backend, TrackingConfig(better_view=better_view))
    for k in range(3):
        (first,) = tracker.process(covered(world.frame(k * FRAME_NS, seed=k), 0.5)).objects
    assert backend.asked == [1]
    for k in range(3, 7):
        (last,) = tracker.process(world.frame(k * FRAME_NS, seed=k)).objects
        assert last.object_id == first.object_id
        assert translation_error(last.T_ref_obj, first.T_ref_obj) < 0.003
        assert rotation_error(last.T_ref_obj, first.T_ref_obj) < 0.02
    assert len(backend.asked) == meshes  # once, not in every frame
    assert last.mesh_version == meshes
    surface = last.T_ref_obj.apply(last.mesh.vertices)
    np.testing.assert_allclose(surface, world.T_cam_obj(1).apply(world.meshes[1].vertices), atol=0.004)


def test_coming_closer_is_no_better_view(world):
    world.add(1, [0.0, 0.0, 0.9])
    backend = Turning(world)
    tracker = SceneTracker(backend)
    for k in range(20):
        tracker.process(world.frame(k * FRAME_NS, seed=k))
        world.move(1, [0.0, 0.0, -0.015])
    assert backend.asked == [1]


@pytest.mark.parametrize("frames", [1, 12])
def test_a_mask_that_covers_two_known_objects_makes_no_mesh(world, frames):
    world.add(1, [-0.07, 0.0, 0.7])
    world.add(2, [0.07, 0.0, 0.7], yaw=1.0)
    backend = Turning(world)
    tracker = SceneTracker(backend)
    for k in range(4):
        before = {item.label: item for item in tracker.process(world.frame(k * FRAME_NS, seed=k)).objects}
    for k in range(4, 4 + frames):
        update = tracker.process(world.frame(k * FRAME_NS, relabel={2: 1}, seed=k))
        assert {item.object_id for item in update.objects} == {1, 2}
        assert update.removed_ids == ()
    last = tracker.process(world.frame((4 + frames) * FRAME_NS, seed=20))
    assert sorted(backend.asked) == [1, 2]
    for item in last.objects:
        assert item.state is ObjectState.COMPLETE
        assert (item.object_id, item.mesh_version) == (before[item.label].object_id, 1)
        assert translation_error(item.T_ref_obj, before[item.label].T_ref_obj) < 0.003


@pytest.mark.parametrize(("frames", "meshes"), [(2, 1), (4, 2)])
def test_a_mask_that_grows_for_two_frames_is_no_better_view(world, frames, meshes):
    world.add(1, [-0.05, 0.0, 0.7])
    world.add(2, [0.09, 0.0, 0.7], mesh=box_mesh(np.array([0.1, 0.08, 0.12]), color=np.full(3, 90.0)))
    backend = Turning(world)
    tracker = SceneTracker(backend, TrackingConfig(min_inlier_ratio=0.2))
    for k in range(3):
        tracker.process(world.frame(k * FRAME_NS, hidden=[2], seed=k))
    for k in range(3, 3 + frames):
        tracker.process(world.frame(k * FRAME_NS, relabel={2: 1}, seed=k))
    (item,) = tracker.process(world.frame((3 + frames) * FRAME_NS, hidden=[2], seed=9)).objects
    assert item.mesh_version == meshes
