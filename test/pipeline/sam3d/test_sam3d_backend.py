"""The whole chain with a small model: what the contract of a backend promises, and every way in which it ends early."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_model import TINY

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
from sam3d_ros.pipeline.backends import create_backend
from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.pipeline.gates import OPEN, Gates
from sam3d_ros.pipeline.model_options import Dtype, ModelOptions, Sampling
from sam3d_ros.pipeline.observation import PrepareConfig
from sam3d_ros.pipeline.sam3d import Sam3dBackend, Sam3dSettings
from sam3d_ros.pipeline.sam3d.completion import STAGES
from sam3d_ros.tracking import asking

BUDGET = 1500


def backend_of(weights, *, loaded: bool = True, seed: int = 0, prepare: PrepareConfig | None = None, **options):
    """A backend that samples fast and accepts whatever comes out."""
    options = {"sampling": Sampling.FAST, **options}
    settings = Sam3dSettings(
        ModelOptions(weights=weights, **options),
        prepare=prepare or PrepareConfig(),
        seed=seed,
        triangle_budget=BUDGET,
        gates=OPEN,
    )
    backend = Sam3dBackend(settings)
    if loaded:
        backend.load()
    return backend


@pytest.fixture(scope="module")
def backend(block_weights):
    return backend_of(block_weights)


def complete(backend, frame: Frame, label: int = 3, *, detail: Detail = Detail.FULL):
    """The answer and everything that was reported on the way."""
    seen: list[Progress] = []
    answer = backend.reconstruct(
        backend.prepare(frame), label, detail=detail, progress=seen.append, cancel=CancelToken()
    )
    return answer, seen


def same(one: Reconstruction, other: Reconstruction) -> bool:
    return (
        np.array_equal(one.mesh.vertices, other.mesh.vertices)
        and np.array_equal(one.mesh.triangles, other.mesh.triangles)
        and np.array_equal(one.T_cam_obj.as_matrix(), other.T_cam_obj.as_matrix())
    )


@pytest.fixture(scope="module")
def answered(backend, two_boxes):
    answer, seen = complete(backend, two_boxes)
    assert isinstance(answer, Reconstruction)
    return answer, seen


def test_the_answer_keeps_what_the_contract_promises(answered):
    answer, _ = answered
    assert is_watertight(answer.mesh)
    assert len(answer.mesh.triangles) <= BUDGET
    np.testing.assert_allclose(answer.mesh.box_centre, 0, atol=1e-5)
    assert np.linalg.eigvalsh(answer.covariance).min() > 0
    assert answer.quality.depth_points > 100
    assert not answer.coarse
    # The block fills 14 of 16 voxels of the canonical cube.
    np.testing.assert_allclose(answer.mesh.extents, answer.scale * 14 / 16, rtol=0.06)


def test_each_stage_is_timed_in_its_order(answered):
    answer, _ = answered
    assert list(answer.latency_ms) == list(STAGES)
    assert min(answer.latency_ms.values()) > 0


def test_progress_rises_through_every_stage_and_each_step_of_both_samplers(answered):
    _, seen = answered
    percents = [p.percent for p in seen]
    assert percents == sorted(percents)
    assert percents[-1] == pytest.approx(100)
    assert list(dict.fromkeys(p.stage for p in seen)) == list(STAGES)
    for stage in ("geometry", "refinement"):
        assert sum(p.stage == stage for p in seen) == 4 + 1  # the steps and the stage as a whole


def test_the_coarse_answer_comes_once_and_before_the_refinement(answered):
    answer, seen = answered
    coarse = [(index, p.coarse) for index, p in enumerate(seen) if p.coarse is not None]
    assert len(coarse) == 1
    index, rough = coarse[0]
    assert rough.coarse
    assert all(p.stage not in ("refinement_condition", "refinement") for p in seen[:index])
    assert is_watertight(rough.mesh)
    # The refined surface lies where the coarse one does.
    np.testing.assert_allclose(rough.mesh.extents, answer.mesh.extents, rtol=0.1)
    offset = rough.T_cam_obj.translation_xyz - answer.T_cam_obj.translation_xyz
    assert np.linalg.norm(offset) < 0.2 * answer.scale
    color = np.median(rough.mesh.vertex_colors, axis=0)
    assert (rough.mesh.vertex_colors == color).all()


def test_the_same_seed_gives_the_same_object_and_another_one_another(block_weights, two_boxes, answered):
    again, _ = complete(backend_of(block_weights), two_boxes)
    other, _ = complete(backend_of(block_weights, seed=1), two_boxes)
    assert same(again, answered[0])
    assert not same(other, answered[0])


def test_an_object_does_not_depend_on_those_before_it(backend, block_weights, two_boxes):
    prepared = backend.prepare(two_boxes)
    first = [
        backend.reconstruct(prepared, label, detail=Detail.FULL, progress=lambda _: None, cancel=CancelToken())
        for label in (3, 7)
    ]
    alone, _ = complete(backend_of(block_weights), two_boxes, 7)
    assert same(first[1], alone)


def test_the_full_image_is_embedded_once_for_all_masks(backend, two_boxes):
    prepared = backend.prepare(two_boxes)
    tokens = []
    for label in (3, 7):
        backend.reconstruct(prepared, label, detail=Detail.FULL, progress=lambda _: None, cancel=CancelToken())
        tokens.append(dict(prepared.full_tokens))
    assert set(tokens[0]) == {"stage1_embedder", "stage2_embedder"}
    assert all(tokens[0][part] is tokens[1][part] for part in tokens[0])


def test_parts_that_are_loaded_in_turn_give_the_same_object(block_weights, two_boxes, answered):
    streaming = backend_of(block_weights, memory_limit_mib=1)
    assert streaming._chain.residency.loaded == ()
    answer, _ = complete(streaming, two_boxes)
    assert same(answer, answered[0])
    assert len(streaming._chain.residency.loaded) < 6


def test_low_detail_holds_no_part_but_the_one_in_use(block_weights, two_boxes, answered):
    low = backend_of(block_weights)
    held = []
    answer = low.reconstruct(
        low.prepare(two_boxes),
        3,
        detail=Detail.LOW,
        progress=lambda _: held.append(low._chain.residency.loaded),
        cancel=CancelToken(),
    )
    assert isinstance(answer, Reconstruction)
    assert max(map(len, held[2:])) <= 1
    assert low._chain.residency.loaded == ()


def test_a_shape_of_too_many_voxels_is_refined_smaller_and_comes_back_at_its_size(block_weights, two_boxes):
    few = backend_of(block_weights)
    few._chain = replace(few._chain, max_voxels=700)  # the block's shell has 1016
    answer, seen = complete(few, two_boxes)
    coarse = next(p.coarse for p in seen if p.coarse is not None)
    np.testing.assert_allclose(answer.mesh.extents, coarse.mesh.extents, rtol=0.15)
    offset = answer.T_cam_obj.translation_xyz - coarse.T_cam_obj.translation_xyz
    assert np.linalg.norm(offset) < 0.2 * coarse.mesh.extents.max()


@pytest.mark.parametrize("dtype", [Dtype.BFLOAT16, Dtype.FLOAT16])
def test_half_precision_answers_too(block_weights, two_boxes, dtype):
    answer, _ = complete(backend_of(block_weights, dtype=dtype), two_boxes)
    assert isinstance(answer, Reconstruction)


def cancelled_after(backend, frame: Frame, count: int) -> list[Progress]:
    """What was reported of an object that was cancelled at the given report."""
    seen: list[Progress] = []
    token = CancelToken()

    def on_progress(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == count:
            token.cancel()

    with pytest.raises(Cancelled):
        backend.reconstruct(backend.prepare(frame), 3, detail=Detail.FULL, progress=on_progress, cancel=token)
    return seen


@pytest.mark.parametrize("step", [0, 2])
def test_cancel_is_honoured_after_each_step_of_the_first_sampler(backend, two_boxes, answered, step):
    before = [p.stage for p in answered[1]].index("geometry")
    seen = cancelled_after(backend, two_boxes, before + 1 + step)
    assert len(seen) == before + 1 + step
    assert seen[-1].stage == "geometry"


@pytest.mark.parametrize(
    "stage", ["observe", "condition", "structure", "coarse", "refinement_condition", "decode", "finish"]
)
def test_cancel_is_honoured_after_each_stage(backend, two_boxes, answered, stage):
    last = max(index for index, p in enumerate(answered[1]) if p.stage == stage)
    seen = cancelled_after(backend, two_boxes, last + 1)
    assert len(seen) == last + 1


def test_full_sampling_takes_25_steps_and_any_other_number_can_be_asked_for(block_weights, two_boxes):
    for options, steps in (({"sampling": Sampling.FULL}, 25), ({"steps": 2}, 2)):
        _, seen = complete(backend_of(block_weights, **options), two_boxes)
        assert sum(p.stage == "geometry" for p in seen) == steps + 1
        assert sum(p.stage == "refinement" for p in seen) == steps + 1


def out_of_memory(*_):
    raise RuntimeError("[enforce fail at alloc_cpu.cpp:1] . DefaultCPUAllocator: can't allocate memory: 9 bytes")


def test_running_out_of_memory_is_a_memory_error(block_weights, two_boxes, monkeypatch):
    poor = backend_of(block_weights)
    monkeypatch.setattr(type(poor._chain), "refine", out_of_memory)
    with pytest.raises(MemoryError, match="can't allocate"):
        complete(poor, two_boxes)


def test_after_out_of_memory_the_object_is_tried_again_with_low_detail(block_weights, two_boxes, monkeypatch):
    poor = backend_of(block_weights)
    chain = type(poor._chain)
    plenty = chain.refine
    monkeypatch.setattr(chain, "refine", lambda self, *a: plenty(self, *a) if self.alone else out_of_memory())
    prepared = asking.prepare(poor, two_boxes)
    answer = asking.reconstruct(poor, prepared, 3, progress=lambda _: None, cancel=CancelToken())
    assert isinstance(answer, Reconstruction)
    monkeypatch.undo()
    answer, _ = complete(poor, two_boxes)
    assert isinstance(answer, Reconstruction)


def test_other_errors_of_torch_stay_what_they_are(block_weights, two_boxes, monkeypatch):
    broken = backend_of(block_weights)

    def fail(*_):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(type(broken._chain), "refine", fail)
    with pytest.raises(RuntimeError, match="mat1"):
        complete(broken, two_boxes)


def test_dropped_caches_are_read_again(block_weights, two_boxes, answered):
    backend = backend_of(block_weights)
    backend.drop_caches()
    assert backend._chain.residency.loaded == ()
    answer, _ = complete(backend, two_boxes)
    assert same(answer, answered[0])


@pytest.mark.parametrize("unload", [False, True])
def test_a_backend_that_is_not_loaded_says_so(block_weights, two_boxes, unload):
    backend = backend_of(block_weights, loaded=unload)
    if unload:
        backend.unload()
    with pytest.raises(RuntimeError, match="not loaded"):
        backend.prepare(two_boxes)
    backend.drop_caches()


def rejection(backend, frame: Frame, label: int = 3) -> Rejection:
    answer, _ = complete(backend, frame, label)
    assert isinstance(answer, Rejection)
    assert answer.label == label
    return answer


def test_masks_and_depth_that_cannot_be_used_are_rejected_with_their_reason(backend, two_boxes):
    assert rejection(backend, two_boxes, 99).reason is RejectionReason.EMPTY_MASK
    blind = np.where((two_boxes.labels == 3)[..., None], np.float32("nan"), two_boxes.pointmap)
    assert rejection(backend, replace(two_boxes, pointmap=blind)).reason is RejectionReason.TOO_FEW_DEPTH_POINTS


def test_a_mask_of_two_pixels_width_is_rejected_with_its_size(block_weights, two_boxes):
    lenient = backend_of(block_weights, prepare=PrepareConfig(min_mask_pixels=1, min_depth_points=1))
    labels = np.zeros_like(two_boxes.labels)
    labels[40:60, 50:52] = 3
    answer = rejection(lenient, replace(two_boxes, labels=labels))
    assert answer.reason is RejectionReason.MASK_TOO_SMALL
    assert "2 x 20 pixels" in answer.detail


def test_a_model_that_finds_no_voxel_is_a_rejection_and_not_a_crash(empty_weights, two_boxes):
    answer = rejection(backend_of(empty_weights), two_boxes)
    assert answer.reason is RejectionReason.EMPTY_SHAPE
    assert "voxel" in answer.detail


def test_a_surface_that_is_decoded_to_nothing_is_a_rejection(backend, two_boxes, monkeypatch):
    nothing = type(backend._chain).surface

    def empty(self, slat):
        surface = nothing(self, slat)
        return replace(surface, faces=surface.faces[:0])

    monkeypatch.setattr(type(backend._chain), "surface", empty)
    assert rejection(backend, two_boxes).reason is RejectionReason.EMPTY_SHAPE


def test_an_object_that_does_not_lie_on_the_depth_is_rejected(backend, two_boxes):
    strict = Sam3dBackend(replace(backend.settings, gates=Gates(min_inlier_ratio=1.0, max_free_space=0.0)))
    strict.load()
    answer = rejection(strict, two_boxes)
    assert answer.reason is RejectionReason.LOW_DEPTH_AGREEMENT
    assert "gate_inlier_ratio 100%" in answer.detail


def test_warming_up_changes_no_answer(block_weights, two_boxes, answered):
    warm = backend_of(block_weights)
    warm.warm_up()
    answer, _ = complete(warm, two_boxes)
    assert same(answer, answered[0])


@pytest.mark.parametrize("count", [4, 32])
def test_gaussians_come_with_the_object_where_they_are_asked_for(block_weights, two_boxes, answered, count):
    assert answered[0].gaussians is None
    backend = backend_of(block_weights, gaussians=count)
    answer, seen = complete(backend, two_boxes)
    assert same(answer, answered[0])
    assert list(answer.latency_ms) == [*STAGES, "gaussians"]
    assert seen[-1].percent == pytest.approx(100)
    config = TINY.gaussians if count == 32 else TINY.gaussians_4
    assert len(answer.gaussians) % config.per_voxel == 0
    # They lie around the shell of the same block, in the same frame.
    lower, upper = np.quantile(answer.gaussians.means, [0.01, 0.99], axis=0)
    np.testing.assert_allclose(upper - lower, answer.mesh.extents, rtol=0.1)
    np.testing.assert_allclose(upper + lower, 0, atol=0.1 * answer.scale)


def test_at_low_detail_there_are_no_gaussians(block_weights, two_boxes):
    answer, _ = complete(backend_of(block_weights, gaussians=4), two_boxes, detail=Detail.LOW)
    assert answer.gaussians is None


def test_the_factory_makes_the_backend_that_was_asked_for(block_weights, two_boxes):
    options = ModelOptions(weights=block_weights, sampling=Sampling.FAST)
    backend = create_backend("sam3d", seed=4, triangle_budget=900, model=options)
    assert backend.name == "sam3d"
    assert backend.device == "cpu"
    backend.load()
    answer, _ = complete(backend, two_boxes)
    assert isinstance(answer, Rejection | Reconstruction)
    backend.unload()


def test_torch_grad_stays_as_it_was(backend, two_boxes):
    complete(backend, two_boxes)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    assert TINY.max_voxels == backend._chain.max_voxels
