"""The fake backend: what it answers and how it fails on request."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
import pytest
import trimesh

from sam3d_ros.geometry import PinholeCamera
from sam3d_ros.pipeline import (
    Cancelled,
    CancelToken,
    Detail,
    Frame,
    Progress,
    Reconstruction,
    Rejection,
    RejectionReason,
)
from sam3d_ros.pipeline.backends import BACKENDS, DEFAULT, create_backend
from sam3d_ros.pipeline.fake import FakeBackend, FakeConfig, box_mesh
from sam3d_ros.pipeline.model_options import OptionsError

CAMERA = PinholeCamera(160, 120, 150.0, 150.0, 79.5, 59.5)


def flat_frame(depth: float = 0.8, labels: tuple[int, ...] = (1,)) -> Frame:
    """Squares of 30 pixels side by side, all at one depth."""
    image = np.zeros((CAMERA.height, CAMERA.width), np.int32)
    for k, label in enumerate(labels):
        image[40:70, 10 + 40 * k : 40 + 40 * k] = label
    pointmap = (CAMERA.rays() * depth).astype(np.float32)
    return Frame(np.full((*image.shape, 3), 200, np.uint8), pointmap, image, CAMERA)


def run(backend: FakeBackend, frame: Frame, label: int = 1, cancel: CancelToken | None = None):
    seen: list[Progress] = []
    answer = backend.reconstruct(
        backend.prepare(frame), label, detail=Detail.FULL, progress=seen.append, cancel=cancel or CancelToken()
    )
    return answer, seen


def loaded(config: FakeConfig | None = None) -> FakeBackend:
    backend = FakeBackend(config)
    backend.load()
    return backend


def test_the_box_is_closed_and_sits_on_the_visible_points():
    answer, seen = run(loaded(), flat_frame())
    assert isinstance(answer, Reconstruction)
    mesh = trimesh.Trimesh(answer.mesh.vertices, answer.mesh.triangles, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
    front = answer.T_cam_obj.apply(answer.mesh.vertices)[:, 2].min()
    assert front == pytest.approx(0.8, abs=1e-3)
    assert answer.scale == pytest.approx(answer.mesh.extents.max(), rel=1e-6)
    assert [p.coarse is not None for p in seen] == [True, False]
    assert seen[0].coarse is not None
    assert seen[0].coarse.coarse


def test_stray_depth_does_not_stretch_the_box():
    clean, stray = flat_frame(), flat_frame()
    stray.pointmap[40:42, 10:40] *= 3
    a, _ = run(loaded(), clean)
    b, _ = run(loaded(), stray)
    # Two of thirty rows, 11 mm, are lost with the stray points; kept, they would add 0.3 m.
    np.testing.assert_allclose(a.mesh.extents, b.mesh.extents, atol=0.015)


def test_same_input_gives_the_same_bytes():
    a, _ = run(loaded(), flat_frame())
    b, _ = run(loaded(), flat_frame())
    assert a.mesh.vertices.tobytes() == b.mesh.vertices.tobytes()
    assert a.T_cam_obj.as_matrix().tobytes() == b.T_cam_obj.as_matrix().tobytes()


@pytest.mark.parametrize("cells", [1, 2, 7])
def test_box_mesh_has_the_stated_number_of_triangles(cells):
    mesh = box_mesh(np.array([0.1, 0.2, 0.3]), color=np.array([10.0, 20.0, 30.0]), cells=cells)
    shape = trimesh.Trimesh(mesh.vertices, mesh.triangles, process=False)
    assert len(mesh.triangles) == 12 * cells**2
    assert shape.is_watertight
    assert shape.volume == pytest.approx(0.006, rel=1e-4)


def test_missing_label_and_missing_depth_become_rejections():
    frame = flat_frame()
    answer, _ = run(loaded(), frame, label=9)
    assert isinstance(answer, Rejection)
    assert answer.reason is RejectionReason.EMPTY_MASK
    frame.pointmap[:] = np.nan
    answer, _ = run(loaded(), frame)
    assert answer.reason is RejectionReason.TOO_FEW_DEPTH_POINTS


def test_labels_fail_in_the_way_they_were_told_to():
    backend = loaded(
        FakeConfig(
            raise_labels=frozenset({1}),
            oom_once_labels=frozenset({2}),
            oom_labels=frozenset({3}),
            reject_labels={4: RejectionReason.LOW_DEPTH_AGREEMENT},
        )
    )
    frame = flat_frame(labels=(1, 2, 3))
    with pytest.raises(RuntimeError, match="label 1"):
        run(backend, frame, 1)
    with pytest.raises(MemoryError):
        run(backend, frame, 2)
    assert isinstance(run(backend, frame, 2)[0], Reconstruction)
    for _ in range(2):
        with pytest.raises(MemoryError):
            run(backend, frame, 3)
    assert run(backend, frame, 4)[0].reason is RejectionReason.LOW_DEPTH_AGREEMENT
    assert backend.label_calls == {1: 1, 2: 2, 3: 2, 4: 1}


def test_cancel_ends_a_long_delay():
    cancel = CancelToken()
    threading.Timer(0.05, cancel.cancel).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        run(loaded(FakeConfig(delay_s=30.0)), flat_frame(), cancel=cancel)
    assert time.monotonic() - start < 15


def test_a_hanging_label_ignores_cancel_until_it_is_released():
    backend = loaded(FakeConfig(hang_labels=frozenset({1}), hang_s=60.0))
    cancel = CancelToken()
    order: list[str] = []

    def cancel_then_release() -> None:
        cancel.cancel()
        time.sleep(0.1)
        order.append("released")
        backend.release()

    frame = flat_frame()
    timer = threading.Timer(0.05, cancel_then_release)
    timer.start()
    with pytest.raises(Cancelled):
        backend.reconstruct(frame, 1, detail=Detail.FULL, progress=lambda _: None, cancel=cancel)
    order.append("answered")
    timer.join()
    assert order == ["released", "answered"]


def test_the_caller_is_held_to_the_contract():
    with pytest.raises(RuntimeError, match="not loaded"):
        FakeBackend().prepare(flat_frame())
    with pytest.raises(RuntimeError, match="fail_load"):
        FakeBackend(FakeConfig(fail_load=True)).load()
    with pytest.raises(RuntimeError, match="fail_prepare"):
        run(loaded(FakeConfig(fail_prepare=True)), flat_frame())
    backend = loaded()
    errors: list[str] = []

    def elsewhere() -> None:
        try:
            backend.drop_caches()
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "another thread" in errors[0]
    backend.unload()
    with pytest.raises(RuntimeError, match="not loaded"):
        backend.drop_caches()
    assert backend.calls == {"load": 1, "unload": 1}


def test_backends_are_made_by_name():
    assert create_backend("fake").name == "fake"
    assert "geometric" in BACKENDS
    assert DEFAULT in BACKENDS
    with pytest.raises(ValueError, match="nonsense"):
        create_backend("nonsense")


def test_a_missing_library_of_the_learned_model_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sam3d_ros.pipeline.sam3d", None)
    with pytest.raises(OptionsError, match=r"not installed.*geometric"):
        create_backend("sam3d")
