"""The chain for shapes along the view: what its answer promises, where a true shape comes out, how it ends early."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import trimesh
from view_model import (
    BODY,
    REFINING,
    VIEW,
    TrueCells,
    TrueLayout,
    TrueShape,
    distances_to,
    pot,
    pot_frame,
    write_view_weights,
)

from sam3d_ros.geometry import SE3
from sam3d_ros.pipeline import Cancelled, CancelToken, Detail, Frame, Progress, Reconstruction, Rejection
from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.pipeline.gates import OPEN, Gates
from sam3d_ros.pipeline.model_options import Dtype, ModelOptions, OptionsError
from sam3d_ros.pipeline.observation import PrepareConfig, observe
from sam3d_ros.pipeline.result import RejectionReason
from sam3d_ros.pipeline.sam3d import Sam3dBackend, Sam3dSettings
from sam3d_ros.pipeline.sam3d.chain import GEOMETRY, MESH, STRUCTURE
from sam3d_ros.pipeline.sam3d.view_completion import VIEW_STAGES, view_stages

LABEL = 5


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return write_view_weights(tmp_path_factory.mktemp("view") / "weights")


@dataclass(frozen=True)
class Seen:
    """A frame of the pot, and where it truly is."""

    frame: Frame
    T_cam_obj: SE3
    shape: trimesh.Trimesh


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen(*pot_frame(), pot())


def backend_of(weights, *, seed: int = 0, gates: Gates = OPEN, **options) -> Sam3dBackend:
    settings = Sam3dSettings(ModelOptions(weights=weights, **options), seed=seed, triangle_budget=3000, gates=gates)
    backend = Sam3dBackend(settings)
    backend.load()
    return backend


def telling_the_truth(weights, seen: Seen, *, layout: bool = True, crumb: bool = False, **options) -> Sam3dBackend:
    """A backend whose networks say the true shape and, with `layout`, the true frame."""
    backend = backend_of(weights, gates=Gates(), **options)
    observation = observe(seen.frame, LABEL, PrepareConfig())
    cubes = backend.prepare(seen.frame).views(observation, backend._chain.config).cubes
    parts = backend._chain.residency._loaded
    parts[STRUCTURE] = TrueShape(seen.shape, seen.T_cam_obj, cubes, crumb=crumb)
    if layout:
        parts[GEOMETRY] = TrueLayout(seen.T_cam_obj, seen.shape.extents, cubes)
    return backend


def complete(backend: Sam3dBackend, frame: Frame, *, detail: Detail = Detail.FULL):
    """The answer and everything that was reported on the way."""
    heard: list[Progress] = []
    answer = backend.reconstruct(
        backend.prepare(frame), LABEL, detail=detail, progress=heard.append, cancel=CancelToken()
    )
    return answer, heard


@pytest.fixture(scope="module")
def true_answer(weights, seen) -> Reconstruction:
    answer, _ = complete(telling_the_truth(weights, seen), seen.frame)
    assert isinstance(answer, Reconstruction), answer
    return answer


def errors_of(answer: Reconstruction, seen: Seen) -> np.ndarray:
    """Metres from each vertex of an answer to the surface where it truly is."""
    p_obj = seen.T_cam_obj.inverse().apply(answer.T_cam_obj.apply(answer.mesh.vertices))
    return np.abs(distances_to(seen.shape, p_obj))


def test_a_true_shape_comes_out_where_the_object_is_within_a_voxel(true_answer, seen):
    voxel = true_answer.scale / 64
    off = errors_of(true_answer, seen)
    assert off.max() < voxel
    assert off.mean() < 0.25 * voxel
    np.testing.assert_allclose(true_answer.mesh.extents, seen.shape.extents, atol=2 * voxel)


def test_on_a_table_the_object_frame_stands_on_it(true_answer, seen):
    upright = true_answer.T_cam_obj.rotation[:, 2] @ seen.T_cam_obj.rotation[:, 2]
    assert np.degrees(np.arccos(min(upright, 1.0))) < 1
    # The knob is on top.
    top = true_answer.mesh.vertices[true_answer.mesh.vertices[:, 2] > 0.04]
    assert np.ptp(top[:, 0]) < 0.5 * BODY[0]


def test_where_no_table_is_seen_the_object_frame_is_that_of_the_layout(weights, seen):
    floating = np.where(seen.frame.labels[..., None] == LABEL, seen.frame.pointmap, np.nan)
    answer, _ = complete(telling_the_truth(weights, seen), replace(seen.frame, pointmap=floating))
    offset = seen.T_cam_obj.inverse() @ answer.T_cam_obj
    assert np.degrees(np.arccos(np.clip((np.trace(offset.rotation) - 1) / 2, -1, 1))) < 0.1
    assert np.linalg.norm(offset.translation_xyz) < answer.scale / 64


def test_the_mesh_is_closed_and_turned_outwards_within_the_budget(true_answer):
    assert is_watertight(true_answer.mesh)
    assert len(true_answer.mesh.triangles) <= 3000
    np.testing.assert_allclose(true_answer.mesh.box_centre, 0, atol=1e-5)
    assert np.linalg.eigvalsh(true_answer.covariance).min() > 0
    assert true_answer.quality.inlier_ratio > 0.95
    assert true_answer.quality.mask_iou > 0.9


def test_seen_and_hidden_sides_have_the_colour_of_the_object(true_answer):
    colors = true_answer.mesh.vertex_colors.astype(float)
    red = colors / np.maximum(colors.sum(axis=1, keepdims=True), 1)
    assert (red[:, 0] > 0.55).mean() > 0.98  # nothing of the grey table


def test_with_any_layout_the_shape_stays_where_the_depth_puts_it(weights, seen):
    answer, _ = complete(telling_the_truth(weights, seen, layout=False), seen.frame)
    assert errors_of(answer, seen).max() < answer.scale / 64


def test_crumbs_beside_the_object_are_dropped(weights, seen, true_answer):
    answer, _ = complete(telling_the_truth(weights, seen, crumb=True), seen.frame)
    np.testing.assert_array_equal(answer.mesh.vertices, true_answer.mesh.vertices)


def test_each_stage_is_timed_in_its_order_and_each_step_is_heard(weights, seen):
    answer, heard = complete(telling_the_truth(weights, seen), seen.frame)
    assert list(answer.latency_ms) == list(view_stages(ModelOptions()))
    percents = [p.percent for p in heard]
    assert percents == sorted(percents)
    assert percents[-1] == pytest.approx(100)
    assert sum(p.stage == "geometry" for p in heard) == 4 + 1


def test_without_depth_there_is_a_reason(weights, seen):
    blind = replace(seen.frame, pointmap=np.where(seen.frame.labels[..., None] == LABEL, np.nan, seen.frame.pointmap))
    answer, _ = complete(backend_of(weights), blind)
    assert isinstance(answer, Rejection)
    assert answer.reason is RejectionReason.TOO_FEW_DEPTH_POINTS


def test_a_shape_that_disagrees_with_the_depth_is_refused(weights, seen):
    backend = telling_the_truth(weights, seen)
    distance = backend._chain.residency._loaded[STRUCTURE].distance
    distance.copy_(distance.roll(20, dims=-1))  # far behind what is seen
    backend.settings = replace(backend.settings, gates=Gates(min_inlier_ratio=0.95))
    answer, _ = complete(backend, seen.frame)
    assert isinstance(answer, Rejection)
    assert answer.reason is RejectionReason.LOW_DEPTH_AGREEMENT


def test_nothing_inside_and_layouts_without_a_frame_are_said(weights, seen):
    empty = telling_the_truth(weights, seen)
    empty._chain.residency._loaded[STRUCTURE].distance.fill_(1.0)
    broken = telling_the_truth(weights, seen)
    broken._chain.residency._loaded[GEOMETRY].clean["translation"].fill_(torch.nan)
    for backend, words in ((empty, "no voxel"), (broken, "not finite: translation")):
        answer, _ = complete(backend, seen.frame)
        assert isinstance(answer, Rejection)
        assert answer.reason is RejectionReason.EMPTY_SHAPE
        assert words in answer.detail


def cancelled_after(backend: Sam3dBackend, frame: Frame, count: int) -> int:
    heard = 0
    token = CancelToken()

    def on_progress(_: Progress) -> None:
        nonlocal heard
        heard += 1
        if heard == count:
            token.cancel()

    with pytest.raises(Cancelled):
        backend.reconstruct(backend.prepare(frame), LABEL, detail=Detail.FULL, progress=on_progress, cancel=token)
    return heard


def test_cancel_is_honoured_after_every_report_but_the_last(weights, seen):
    backend = telling_the_truth(weights, seen)
    _, heard = complete(backend, seen.frame)
    for count in range(1, len(heard)):
        assert cancelled_after(backend, seen.frame, count) == count


def test_the_same_seed_gives_the_same_latents_and_another_one_others(weights, seen):
    shapes = {}
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        shapes[name] = sampled_shape(backend_of(weights, seed=seed), seen)
    assert torch.equal(shapes["first"], shapes["again"])
    assert not torch.allclose(shapes["first"], shapes["other"])


def sampled_shape(backend: Sam3dBackend, seen: Seen, *, chain=None) -> torch.Tensor:
    """Occupancy logits of the network's own answer."""
    chain = chain or backend._chain
    prepared = backend.prepare(seen.frame)
    with torch.inference_mode():
        views = prepared.views(observe(seen.frame, LABEL, PrepareConfig()), VIEW)
        tokens = chain.condition("stage1_embedder", prepared, views.inputs)
        generator = chain.generator(backend.settings.seed)
        latents = chain.geometry(tokens, generator, lambda *_: None, observed=views.observed)
        return chain.fields(latents["shape"]).logits


def test_bfloat16_gives_the_shape_of_float32_but_for_its_noise(weights, seen):
    fine, coarse = (sampled_shape(backend_of(weights, dtype=dtype), seen) for dtype in (Dtype.FLOAT32, Dtype.BFLOAT16))
    assert not torch.equal(fine, coarse)
    assert (fine - coarse).abs().mean() < 0.05 * fine.std()
    assert ((fine > 0) == (coarse > 0)).float().mean() > 0.97


def test_parts_are_released_and_read_again(weights, seen):
    backend = backend_of(weights)
    first = sampled_shape(backend, seen)
    backend.drop_caches()
    assert backend._chain.residency.loaded == ()
    assert torch.equal(sampled_shape(backend, seen), first)
    backend.unload()
    with pytest.raises(RuntimeError, match="not loaded"):
        backend.prepare(seen.frame)


def test_low_detail_holds_no_part_but_the_one_in_use(weights, seen):
    backend = backend_of(weights)
    held = []
    backend.reconstruct(
        backend.prepare(seen.frame),
        LABEL,
        detail=Detail.LOW,
        progress=lambda _: held.append(backend._chain.residency.loaded),
        cancel=CancelToken(),
    )
    assert max(map(len, held[2:])) <= 1
    assert backend._chain.residency.loaded == ()


def test_the_full_image_is_embedded_once_for_all_masks(weights, seen):
    backend = telling_the_truth(weights, seen)
    prepared = backend.prepare(seen.frame)
    tokens = []
    for _ in range(2):
        backend.reconstruct(prepared, LABEL, detail=Detail.FULL, progress=lambda _: None, cancel=CancelToken())
        tokens.append(prepared.full_tokens["stage1_embedder"])
    assert tokens[0] is tokens[1]


@pytest.fixture(scope="module")
def refining_weights(tmp_path_factory):
    return write_view_weights(tmp_path_factory.mktemp("refining") / "weights", REFINING)


def test_where_a_second_stage_is_asked_for_it_mends_the_surface_and_its_hidden_colours_are_the_answer(
    refining_weights, seen
):
    backend = telling_the_truth(refining_weights, seen, refine=True)
    parts = backend._chain.residency._loaded
    parts[MESH] = TrueCells(parts[STRUCTURE], (0.0, 1.0, 0.0))
    # A first stage that errs by most of a voxel: half of that is left with the second one, which is right.
    parts[STRUCTURE].distance = parts[STRUCTURE].distance + 0.25
    answer, heard = complete(backend, seen.frame)
    assert isinstance(answer, Reconstruction), answer
    assert list(answer.latency_ms) == list(VIEW_STAGES)
    assert sum(p.stage == "refinement" for p in heard) == 1 + 1
    assert is_watertight(answer.mesh)
    assert errors_of(answer, seen).max() < answer.scale / 64
    green = (answer.mesh.vertex_colors == [0, 255, 0]).all(axis=1)
    p_cam = answer.T_cam_obj.apply(answer.mesh.vertices)
    far, near = p_cam[:, 2] > np.quantile(p_cam[:, 2], 0.9), p_cam[:, 2] < np.quantile(p_cam[:, 2], 0.1)
    assert green[far].mean() > 0.9
    assert green[near].mean() < 0.5
    assert 0.2 < green.mean() < 0.9


def test_a_second_stage_without_a_part_is_refused(refining_weights, tmp_path):
    for path in refining_weights.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    del manifest["parts"]["refinement"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(OptionsError, match=r"no second stage \(they lack refinement\); leave refine out"):
        backend_of(tmp_path, refine=True)
    backend_of(tmp_path).unload()  # where it is not asked for, nothing is amiss


def test_a_second_stage_that_is_not_asked_for_does_nothing(refining_weights, seen):
    answer, _ = complete(telling_the_truth(refining_weights, seen), seen.frame)
    assert not {"refinement_condition", "refinement", "decode", "gaussians"} & set(answer.latency_ms)


def test_gaussians_lie_on_the_object_in_its_frame(refining_weights, seen):
    backend = telling_the_truth(refining_weights, seen, gaussians=32)
    answer, heard = complete(backend, seen.frame)
    assert list(answer.latency_ms) == [*VIEW_STAGES, "gaussians"]
    assert heard[-1].percent == pytest.approx(100)
    per_voxel = backend._chain.config.gaussians.per_voxel
    assert len(answer.gaussians) > 100 * per_voxel
    assert len(answer.gaussians) % per_voxel == 0
    # Decoders without training put them somewhere in the voxels near the surface: two voxels of 32 from it at most.
    p_obj = seen.T_cam_obj.inverse().apply(answer.T_cam_obj.apply(answer.gaussians.means))
    assert np.abs(distances_to(seen.shape, p_obj)).max() < 3 * answer.scale / 32


def test_at_low_detail_there_are_no_gaussians(refining_weights, seen):
    answer, _ = complete(telling_the_truth(refining_weights, seen, gaussians=32), seen.frame, detail=Detail.LOW)
    assert isinstance(answer, Rejection) or answer.gaussians is None
