"""Norms: their formulas, their eps, and float32 inside half-precision networks."""

from __future__ import annotations

import pytest
import torch
from seeded import seeded

from sam3d_ros.model.layers import LayerNorm, MultiHeadRMSNorm, cast_weights


@pytest.mark.parametrize("eps", [1e-6, 1e-5])
def test_layer_norm_divides_by_the_root_of_variance_plus_its_own_eps(eps):
    x = 1e-3 * seeded("x", 5, 32)  # variance 1e-6: the eps shows
    centred = x - x.mean(-1, keepdim=True)
    expected = centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    torch.testing.assert_close(LayerNorm(32, eps=eps, affine=False)(x), expected, rtol=1e-5, atol=1e-6)


def test_a_layer_norm_without_affine_has_no_keys():
    assert not LayerNorm(32, eps=1e-6, affine=False).state_dict()
    assert set(LayerNorm(32, eps=1e-6).state_dict()) == {"weight", "bias"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("affine", [True, False])
def test_layer_norm_of_half_precision_is_the_float32_norm_rounded_once(dtype, affine):
    x = (seeded("x", 64, 256) * 3 + 40).to(dtype)  # a mean that half-precision sums would lose
    norm = LayerNorm(256, eps=1e-6, affine=affine)
    answer = norm(x)
    assert answer.dtype == dtype
    step = torch.finfo(dtype).eps * 4  # one rounding step of values below 4
    torch.testing.assert_close(answer.float(), norm(x.float()), rtol=0, atol=step)


def test_rms_norm_is_a_unit_vector_times_root_of_the_head_width_and_gamma_of_each_head():
    """Trap 15: not the mean-square form with an eps inside the root."""
    norm = MultiHeadRMSNorm(3, 16)
    norm.gamma.data = 1 + 0.1 * seeded("gamma", 3, 16)
    x = 1e-4 * seeded("x", 2, 5, 3, 16)  # so small that an eps inside the root would show
    expected = x / x.norm(dim=-1, keepdim=True) * 4 * norm.gamma
    torch.testing.assert_close(norm(x), expected, rtol=1e-5, atol=1e-6)


def test_rms_norm_of_a_zero_vector_is_zero():
    assert torch.equal(MultiHeadRMSNorm(2, 4)(torch.zeros(1, 2, 4)), torch.zeros(1, 2, 4))


def test_rms_norm_multiplies_gamma_in_float32_and_answers_in_the_dtype_of_its_input():
    """Trap 40."""
    norm = MultiHeadRMSNorm(2, 64)
    norm.gamma.data = 1 + 0.1 * seeded("gamma", 2, 64)
    x = seeded("x", 7, 2, 64).half()
    assert norm.gamma.dtype == torch.float32
    assert torch.equal(norm(x), norm(x.float()).half())


def test_casting_weights_touches_the_given_kinds_alone():
    module = torch.nn.ModuleList([torch.nn.Linear(2, 2), LayerNorm(2, eps=1e-6), torch.nn.Conv3d(1, 1, 1)])
    cast_weights(module, torch.float16)
    assert [next(part.parameters()).dtype for part in module] == [torch.float16, torch.float32, torch.float32]
