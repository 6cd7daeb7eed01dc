"""What follows from the options: samplers, number format, device, memory; one clear error for each bad choice."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sam3d_ros.model.config import SMALL, Sam3dConfig
from sam3d_ros.model.weights import write_random_weights
from sam3d_ros.pipeline.model_options import Dtype, ModelOptions, OptionsError, Sampling
from sam3d_ros.pipeline.sam3d import Sam3dBackend, Sam3dSettings
from sam3d_ros.pipeline.sam3d.half_precision import cpu_has_bfloat16
from sam3d_ros.pipeline.sam3d.memory import condition_tokens, limit_device, memory_errors, weights_budget, working_bytes

GIB = 2**30
DISTILLED = replace(SMALL, refinement=replace(SMALL.refinement, step_size=True))
PLAIN = replace(SMALL, geometry=replace(SMALL.geometry, step_size=False))


def settings(**options) -> Sam3dSettings:
    return Sam3dSettings(ModelOptions(**options))


def test_full_sampling_is_the_published_one():
    stage1, stage2 = settings().samplers(Sam3dConfig())
    assert (stage1.steps, stage1.rescale_t, stage1.guidance, stage1.use_step_size) == (25, 3.0, 7.0, False)
    assert (stage2.steps, stage2.rescale_t, stage2.guidance, stage2.use_step_size) == (25, 1.0, 1.0, False)


def test_fast_sampling_has_four_steps_without_guidance():
    for sampler in settings(sampling=Sampling.FAST).samplers(Sam3dConfig()):
        assert (sampler.steps, sampler.guidance) == (4, 0.0)


@pytest.mark.parametrize(
    ("config", "told"), [(SMALL, (True, False)), (DISTILLED, (True, True)), (PLAIN, (False, False))]
)
def test_a_network_is_told_its_step_size_where_it_has_learnt_what_that_is(config, told):
    samplers = settings(sampling=Sampling.FAST).samplers(config)
    assert tuple(sampler.use_step_size for sampler in samplers) == told


@pytest.mark.parametrize(("has_units", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_cpu_takes_bfloat16_where_it_multiplies_that_in_hardware(monkeypatch, has_units, expected):
    monkeypatch.setattr("sam3d_ros.pipeline.sam3d.settings.cpu_has_bfloat16", lambda: has_units)
    assert settings().dtype() is expected
    assert settings(device="cuda").dtype() is torch.float16


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("flags\t\t: fpu sse avx512f avx512_bf16 amx_tile", True),
        ("flags\t\t: fpu amx_bf16", True),
        ("flags\t\t: fpu avx2 avx512f", False),
        ("Features\t: fp asimd bf16", False),
    ],
)
def test_the_flags_of_the_processor_tell_of_bfloat16(tmp_path, line, found):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\n{line}\n")
    cpu_has_bfloat16.cache_clear()
    assert cpu_has_bfloat16(cpuinfo) is found
    cpu_has_bfloat16.cache_clear()
    assert cpu_has_bfloat16(tmp_path / "absent") is False
    cpu_has_bfloat16.cache_clear()


def test_shapes_along_the_view_are_sampled_in_few_plain_steps_unless_all_are_asked_for():
    view = replace(DISTILLED, frame="view")
    for sampler, steps in zip(settings().samplers(view), (4, 1), strict=True):
        assert (sampler.steps, sampler.rescale_t, sampler.guidance, sampler.use_step_size) == (steps, 1.0, 0.0, True)
    for sampler in settings(sampling=Sampling.FULL).samplers(view):
        assert (sampler.steps, sampler.rescale_t, sampler.guidance, sampler.use_step_size) == (25, 1.0, 0.0, False)
    assert settings(steps=1).samplers(view)[0].steps == 1


def test_undistilled_shapes_along_the_view_are_regressed_unless_steps_are_asked_for():
    view = replace(DISTILLED, frame="view", geometry=replace(DISTILLED.geometry, step_size=False))
    for sampler in settings().samplers(view):
        assert (sampler.steps, sampler.guidance, sampler.use_step_size) == (1, 0.0, False)
    assert settings(sampling=Sampling.FAST).samplers(view)[0].steps == 4
    assert settings(steps=4).samplers(view)[0].steps == 4


def test_a_number_of_steps_holds_for_both_stages_and_leaves_the_rest():
    for sampling in Sampling:
        for sampler, usual in zip(
            settings(sampling=sampling, steps=9).samplers(SMALL),
            settings(sampling=sampling).samplers(SMALL),
            strict=True,
        ):
            assert sampler == replace(usual, steps=9)


@pytest.mark.parametrize(
    ("device", "dtype", "expected"),
    [
        ("cuda", Dtype.AUTO, torch.float16),
        ("cuda:1", Dtype.BFLOAT16, torch.bfloat16),
        ("cpu", Dtype.FLOAT16, torch.float16),
    ],
)
def test_the_number_format_follows_the_device_unless_it_is_named(device, dtype, expected):
    assert settings(device=device, dtype=dtype).dtype() is expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "gpu"}, "cpu, cuda or cuda:N"),
        ({"steps": -1}, "0..1000"),
        ({"memory_limit_mib": -5}, "0 or more"),
    ],
)
def test_a_bad_option_is_refused_with_its_value(options, words):
    with pytest.raises(OptionsError, match=words):
        ModelOptions(**options)


def test_a_device_that_torch_does_not_find_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(OptionsError, match=r"finds 0 CUDA devices.*device cpu"):
        settings(device="cuda").device()


def load_error(**options) -> str:
    with pytest.raises(OptionsError) as caught:
        Sam3dBackend(settings(**options)).load()
    return str(caught.value)


def test_without_weights_the_error_says_how_to_get_some(tmp_path, monkeypatch):
    monkeypatch.setattr("sam3d_ros.pipeline.model_options.SHIPPED", tmp_path / "shipped")
    for options in ({}, {"weights": tmp_path / "absent"}):
        message = load_error(**options)
        assert "weights import" in message
        assert "weights random" in message
        assert "train export" in message


def test_the_weights_of_the_package_are_taken_where_none_are_named(plain_weights, monkeypatch):
    monkeypatch.setattr("sam3d_ros.pipeline.model_options.SHIPPED", plain_weights)
    assert ModelOptions().checked_weights() == plain_weights


def test_a_folder_without_weights_is_named(tmp_path):
    assert str(tmp_path) in load_error(weights=tmp_path)


def test_a_damaged_shard_is_named(plain_weights, tmp_path):
    for path in plain_weights.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    shard = tmp_path / "refinement.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    assert "refinement.safetensors" in load_error(weights=tmp_path)


def test_gaussians_of_weights_that_make_none_are_refused(tmp_path):
    write_random_weights(tmp_path / "view", replace(SMALL, frame="view"), seed=0)
    assert "no Gaussians" in load_error(weights=tmp_path / "view", gaussians=4)


def test_nothing_limits_the_weights_on_a_cpu_without_a_limit():
    assert weights_budget(SMALL, device=torch.device("cpu"), dtype=torch.float32, limit_mib=0) is None


def test_a_limit_leaves_room_to_work():
    config, dtype = Sam3dConfig(), torch.float16
    budget = weights_budget(config, device=torch.device("cpu"), dtype=dtype, limit_mib=12 * 1024)
    assert budget == 12 * GIB - working_bytes(config, dtype)
    assert weights_budget(config, device=torch.device("cpu"), dtype=dtype, limit_mib=1) == 0


def test_work_is_counted_with_the_published_numbers_of_tokens():
    config = Sam3dConfig()
    assert condition_tokens(config.stage1_embedder) == 7528
    assert condition_tokens(config.stage2_embedder) == 5496
    assert 3 * GIB < working_bytes(config, torch.float16) < 5 * GIB


def test_only_the_allocator_s_error_becomes_a_memory_error():
    with pytest.raises(MemoryError), memory_errors():
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(RuntimeError, match="mat1"), memory_errors():
        torch.ones(2, 3) @ torch.ones(2, 3)


class FakeGpu:
    """Records the share of its memory that torch was told to stay below."""

    total_memory = 16 * GIB

    def __init__(self, monkeypatch) -> None:
        self.shares: list[float] = []
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: self)
        monkeypatch.setattr(
            torch.cuda, "set_per_process_memory_fraction", lambda share, device: self.shares.append(share)
        )


def test_a_limit_on_a_gpu_is_torch_s_own_limit(monkeypatch):
    gpu = FakeGpu(monkeypatch)
    for limit_mib in (4096, 0, 10**6):
        limit_device(torch.device("cuda", 0), limit_mib)
    assert gpu.shares == [0.25, 1.0, 1.0]
    limit_device(torch.device("cpu"), 4096)
    assert len(gpu.shares) == 3
