"""Attention against softmax written out, and the condition of zeros."""

from __future__ import annotations

import math

import pytest
import torch
from seeded import seeded, with_seeded_weights
from torch import Tensor

from sam3d_ros.model.layers import CrossAttention, KeysValues, SelfAttention, attend, heads_first, split_heads


def plain_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Softmax attention of [L, D] tensors, one query after the other."""
    answers = []
    for query in q:
        weights = torch.stack([((query @ key) / math.sqrt(len(query))).exp() for key in k])
        answers.append((weights / weights.sum()) @ v)
    return torch.stack(answers)


def test_attention_is_softmax_of_each_head_scaled_by_the_root_of_its_width():
    q, k, v = (seeded(name, 2, 3, length, 8) for name, length in (("q", 4), ("k", 6), ("v", 6)))
    answer = attend(q, KeysValues(k, v))  # [2, 4, 24]
    for batch in range(2):
        for head in range(3):
            expected = plain_attention(q[batch, head], k[batch, head], v[batch, head])
            torch.testing.assert_close(answer[batch, :, 8 * head : 8 * head + 8], expected, rtol=1e-5, atol=1e-6)


def test_projections_hold_all_queries_then_all_keys_then_all_values_each_head_after_head():
    packed = torch.arange(3 * 2 * 4).float().expand(1, 5, -1)
    q, k, v = split_heads(packed, 3, 2)
    assert q[0, 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert (k[0, 0, 0, 0], v[0, 0, 0, 0]) == (8, 16)
    assert heads_first(q).shape == (1, 2, 5, 4)


def test_keys_of_one_condition_serve_a_batch_of_queries():
    q, k, v = (seeded(name, batch, 2, 5, 4) for name, batch in (("q", 3), ("k", 1), ("v", 1)))
    many = KeysValues(k.expand(3, -1, -1, -1).contiguous(), v.expand(3, -1, -1, -1).contiguous())
    torch.testing.assert_close(attend(q, KeysValues(k, v)), attend(q, many))


def test_cross_attention_has_neither_norm_nor_modulation_inside():
    """Trap 14: queries and keys are the bare projections."""
    layer = with_seeded_weights(CrossAttention(16, 12, 2))
    x, condition = seeded("x", 1, 3, 16), seeded("condition", 1, 5, 12)
    q, (k, v) = layer.to_q(x), layer.to_kv(condition).chunk(2, dim=-1)
    heads = [plain_attention(q[0, :, part], k[0, :, part], v[0, :, part]) for part in (slice(0, 8), slice(8, 16))]
    expected = layer.to_out(torch.cat(heads, dim=-1))
    torch.testing.assert_close(layer(x, layer.project(condition))[0], expected, rtol=1e-5, atol=1e-6)


def test_no_condition_answers_as_a_full_length_condition_of_zeros_does():
    """Trap 17, and the collapsed unconditional pass."""
    layer = with_seeded_weights(CrossAttention(16, 12, 2))
    x = seeded("x", 2, 3, 16)
    zeros = layer(x, layer.project(torch.zeros(2, 50, 12)))
    collapsed = layer(x, None)
    assert collapsed.shape == (16,)
    torch.testing.assert_close(collapsed.expand_as(zeros), zeros, rtol=1e-5, atol=1e-6)


def test_condition_tokens_in_another_order_give_the_same_answer():
    layer = with_seeded_weights(CrossAttention(16, 12, 2))
    x, condition = seeded("x", 1, 3, 16), seeded("condition", 1, 9, 12)
    shuffled = condition[:, torch.tensor([4, 2, 8, 0, 1, 7, 3, 5, 6])]
    torch.testing.assert_close(layer(x, layer.project(condition)), layer(x, layer.project(shuffled)))


@pytest.mark.parametrize("rms_norm", [True, False])
def test_self_attention_norms_queries_and_keys_but_not_values(rms_norm):
    layer = with_seeded_weights(SelfAttention(16, 2, rms_norm=rms_norm))
    x = seeded("x", 1, 4, 16)
    q, k, v = layer.to_qkv(x)[0].unflatten(-1, (3, 2, 8)).unbind(1)  # [L, H, D]
    if rms_norm:
        q, k = layer.q_rms_norm(q), layer.k_rms_norm(k)
    expected = torch.cat([plain_attention(q[:, head], k[:, head], v[:, head]) for head in range(2)], dim=-1)
    torch.testing.assert_close(layer(x)[0], layer.to_out(expected), rtol=1e-5, atol=1e-6)
    assert ("q_rms_norm.gamma" in layer.state_dict()) == rms_norm


def test_keys_and_values_come_in_the_dtype_of_the_weights():
    layer = CrossAttention(16, 12, 2).half()
    assert layer.project(torch.zeros(1, 3, 12)).k.dtype == torch.float16
