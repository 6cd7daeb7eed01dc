"""Every mask that comes in leaves as an object or with a reason, whatever the backend does."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from sam3d_ros.geometry import Mesh, PinholeCamera
from sam3d_ros.pipeline import CancelToken, Frame, Reconstruction, Rejection, RejectionReason
from sam3d_ros.pipeline.fake import FakeBackend, FakeConfig
from sam3d_ros.tracking import ObjectState, SceneUpdate
from sam3d_ros.tracking.asking import is_out_of_memory
from sam3d_ros.tracking.config import TrackingConfig
from sam3d_ros.tracking.tracker import SceneTracker

CAMERA = PinholeCamera(160, 120, 150.0, 150.0, 79.5, 59.5)
FRAME_NS = 33_000_000


def frame(stamp_ns: int = 0, labels=(1, 2, 3)) -> Frame:
    """Up to four flat squares before a wall; a later one is smaller."""
    depth, image = np.full((120, 160), 1.2), np.zeros((120, 160), np.int32)
    for k, label in enumerate(labels):
        u, v, size = 10 + 75 * (k % 2), 8 + 55 * (k // 2), 44 - 3 * k
        depth[v : v + size, u : u + size] = 0.7
        image[v : v + size, u : u + size] = label
    pointmap = (CAMERA.rays() * depth[..., None]).astype(np.float32)
    return Frame(np.full((120, 160, 3), 99, np.uint8), pointmap, image, CAMERA, stamp_ns)


def tracker_of(*, config: TrackingConfig | None = None, backend: FakeBackend | None = None, **fake) -> SceneTracker:
    tracker = SceneTracker(backend or FakeBackend(FakeConfig(**fake)), config)
    tracker.load()
    return tracker


def answers(update: SceneUpdate) -> dict[int, object]:
    """Label to state or reason; fails where a label has two answers."""
    objects = {obj.label: obj.state for obj in update.objects}
    reasons = {rejection.label: rejection.reason for rejection in update.rejections}
    assert not objects.keys() & reasons.keys()
    return objects | reasons


def test_every_mask_becomes_an_object() -> None:
    update = tracker_of().process(frame())
    assert answers(update) == {1: ObjectState.COMPLETE, 2: ObjectState.COMPLETE, 3: ObjectState.COMPLETE}
    assert update.final
    assert {"associate", "follow", "prepare", "reconstruct"} <= update.latency_ms.keys()


def test_a_backend_that_raises_costs_one_mask_and_says_what_it_raised() -> None:
    update = tracker_of(raise_labels=frozenset({2})).process(frame())
    assert answers(update) == {1: ObjectState.COMPLETE, 2: RejectionReason.INTERNAL_ERROR, 3: ObjectState.COMPLETE}
    assert "RuntimeError: the fake backend was told to fail at label 2" in update.rejections[0].detail


def test_out_of_memory_drops_caches_and_tries_once_more() -> None:
    tracker = tracker_of(oom_once_labels=frozenset({2}))
    update = tracker.process(frame())
    assert answers(update)[2] is ObjectState.COMPLETE
    assert tracker.backend.calls["drop_caches"] == 1
    assert tracker.backend.label_calls[2] == 2


def test_out_of_memory_twice_is_a_reason() -> None:
    tracker = tracker_of(oom_labels=frozenset({1}))
    update = tracker.process(frame())
    assert answers(update)[1] is RejectionReason.OUT_OF_MEMORY
    assert answers(update)[2] is ObjectState.COMPLETE
    assert tracker.backend.label_calls[1] == 2


def test_the_second_try_asks_for_low_detail() -> None:
    details = []

    class Watching(FakeBackend):
        def reconstruct(self, prepared, label, *, detail, progress, cancel):
            details.append(detail.value)
            return super().reconstruct(prepared, label, detail=detail, progress=progress, cancel=cancel)

    tracker_of(backend=Watching(FakeConfig(oom_once_labels=frozenset({1})))).process(frame(labels=[1]))
    assert details == ["full", "low"]


def test_memory_errors_of_torch_are_known_without_torch() -> None:
    torch_like = type("OutOfMemoryError", (RuntimeError,), {})
    assert is_out_of_memory(torch_like("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_a_frame_that_cannot_be_prepared_answers_every_mask() -> None:
    update = tracker_of(fail_prepare=True).process(frame())
    assert set(answers(update).values()) == {RejectionReason.INTERNAL_ERROR}
    assert sorted(answers(update)) == [1, 2, 3]


def test_rejections_of_the_backend_pass_through() -> None:
    update = tracker_of(reject_labels={3: RejectionReason.LOW_DEPTH_AGREEMENT}).process(frame())
    assert answers(update)[3] is RejectionReason.LOW_DEPTH_AGREEMENT


def test_cancel_before_the_start_answers_every_mask() -> None:
    cancel = CancelToken()
    cancel.cancel()
    update = tracker_of().process(frame(), cancel=cancel)
    assert set(answers(update).values()) == {RejectionReason.CANCELLED}


def test_cancel_in_the_middle_keeps_what_is_finished() -> None:
    cancel = CancelToken()
    update = tracker_of(delay_s=0.05).process(
        frame(), cancel=cancel, on_progress=lambda p: cancel.cancel() if p.label == 2 else None
    )
    assert answers(update) == {
        1: ObjectState.COMPLETE,
        2: RejectionReason.CANCELLED,
        3: RejectionReason.CANCELLED,
    }
    # What was shown of the second object is taken back.
    assert len(update.removed_ids) == 1


def test_a_hanging_backend_can_be_cancelled_from_another_thread() -> None:
    cancel = CancelToken()
    backend = FakeBackend(FakeConfig(hang_labels=frozenset({1})))
    tracker = tracker_of(backend=backend)
    timer = threading.Timer(0.1, lambda: (cancel.cancel(), backend.release()))
    timer.start()
    update = tracker.process(frame(labels=[1, 2]), cancel=cancel)
    timer.join()
    assert set(answers(update).values()) == {RejectionReason.CANCELLED}


def rubbish(kind: str, result: Reconstruction) -> object:
    empty = Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]], np.int32), np.zeros((3, 3), np.uint8))
    return {
        "nothing": None,
        "another label": dataclasses.replace(result, label=77),
        "a mesh without area": dataclasses.replace(result, mesh=empty),
        "a covariance of NaN": dataclasses.replace(result, covariance=np.full((6, 6), np.nan)),
        "a covariance of another shape": dataclasses.replace(result, covariance=np.eye(3)),
        "a rejection of another label": Rejection(77, RejectionReason.EMPTY_MASK, ""),
    }[kind]


@pytest.mark.parametrize(
    "kind",
    [
        "nothing",
        "another label",
        "a mesh without area",
        "a covariance of NaN",
        "a covariance of another shape",
        "a rejection of another label",
    ],
)
def test_rubbish_from_the_backend_does_not_get_through(kind) -> None:
    class Defect(FakeBackend):
        def reconstruct(self, prepared, label, *, detail, progress, cancel):
            result = super().reconstruct(prepared, label, detail=detail, progress=lambda _: None, cancel=cancel)
            return rubbish(kind, result) if label == 1 else result

    update = tracker_of(backend=Defect()).process(frame())
    assert answers(update) == {1: RejectionReason.INTERNAL_ERROR, 2: ObjectState.COMPLETE, 3: ObjectState.COMPLETE}


def test_updates_come_coarse_first_and_the_last_one_is_final() -> None:
    updates: list[SceneUpdate] = []
    tracker = tracker_of()
    returned = tracker.process(frame(labels=[1, 2]), on_update=updates.append)
    states = [[(obj.label, obj.state.value) for obj in update.objects] for update in updates]
    assert states == [
        [],
        [(1, "coarse")],
        [(1, "complete")],
        [(1, "complete"), (2, "coarse")],
        [(1, "complete"), (2, "complete")],
    ]
    assert [update.final for update in updates] == [False] * 4 + [True]
    assert updates[-1] is returned
    ids = {obj.label: obj.object_id for update in updates for obj in update.objects}
    assert all(obj.object_id == ids[obj.label] for update in updates for obj in update.objects)


def test_the_finished_mesh_is_a_newer_version_than_the_coarse_one() -> None:
    updates: list[SceneUpdate] = []
    tracker_of().process(frame(labels=[1]), on_update=updates.append)
    versions = [obj.mesh_version for update in updates for obj in update.objects]
    assert versions == [1, 2]


def test_known_objects_are_told_before_the_model_runs() -> None:
    tracker = tracker_of()
    tracker.process(frame(labels=[1]))
    updates: list[SceneUpdate] = []
    tracker.process(frame(FRAME_NS, labels=[1, 2]), on_update=updates.append)
    first = updates[0]
    assert [(obj.object_id, obj.state, obj.stamp_ns) for obj in first.objects] == [(1, ObjectState.COMPLETE, FRAME_NS)]


def test_a_frame_of_known_objects_asks_the_backend_for_nothing() -> None:
    tracker = tracker_of()
    tracker.process(frame())
    before = dict(tracker.backend.calls)
    updates: list[SceneUpdate] = []
    tracker.process(frame(FRAME_NS), on_update=updates.append)
    assert dict(tracker.backend.calls) == before
    assert [update.final for update in updates] == [True]


def test_only_the_labels_asked_for_are_made_and_known_ones_are_followed() -> None:
    tracker = tracker_of()
    tracker.process(frame(), labels=[1])
    update = tracker.process(frame(FRAME_NS), labels=[3, 9])
    assert answers(update) == {1: ObjectState.COMPLETE, 3: ObjectState.COMPLETE, 9: RejectionReason.EMPTY_MASK}
    assert {obj.stamp_ns for obj in update.objects} == {FRAME_NS}


def test_mode_none_only_follows() -> None:
    tracker = tracker_of()
    tracker.process(frame(labels=[1]))
    update = tracker.process(frame(FRAME_NS), reconstruct="none")
    assert answers(update) == {1: ObjectState.COMPLETE}


def test_mode_all_makes_known_objects_anew_under_their_id() -> None:
    tracker = tracker_of()
    first = tracker.process(frame())
    second = tracker.process(frame(FRAME_NS), labels=[2], reconstruct="all")
    before = {obj.object_id: obj.mesh_version for obj in first.objects}
    after = {obj.object_id: obj.mesh_version for obj in second.objects}
    remade = next(obj.object_id for obj in second.objects if obj.label == 2)
    assert after == before | {remade: before[remade] + 1}


def test_a_known_object_that_cannot_be_made_anew_stays() -> None:
    tracker = tracker_of(config=TrackingConfig())
    first = tracker.process(frame(labels=[1]))
    tracker.backend.config = FakeConfig(raise_labels=frozenset({1}))
    update = tracker.process(frame(FRAME_NS, labels=[1]), reconstruct="all")
    (now,), (before,) = update.objects, first.objects
    assert (now.object_id, now.mesh_version) == (before.object_id, before.mesh_version)
    assert now.mesh is before.mesh
    assert [r.reason for r in update.rejections] == [RejectionReason.INTERNAL_ERROR]


def test_an_empty_label_image_is_an_empty_scene() -> None:
    update = tracker_of().process(frame(labels=[]))
    assert (update.objects, update.rejections, update.removed_ids, update.final) == ((), (), (), True)


def test_an_update_does_not_change_afterwards() -> None:
    tracker = tracker_of()
    update = tracker.process(frame())
    before = (update.objects, dict(update.latency_ms))
    tracker.process(frame(10 * FRAME_NS, labels=[2]))
    tracker.clear()
    assert (update.objects, dict(update.latency_ms)) == before
    with pytest.raises(dataclasses.FrozenInstanceError):
        update.final = False


@pytest.mark.parametrize("fields", [{"max_objects": 0}, {"max_age_s": -1.0}, {"min_overlap": 1.5}])
def test_impossible_limits_are_refused(fields) -> None:
    with pytest.raises(ValueError, match="got"):
        TrackingConfig(**fields)
