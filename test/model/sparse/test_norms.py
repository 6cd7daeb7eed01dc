"""Group norm over objects."""

from __future__ import annotations

import pytest
import torch
from dense_reference import objects_of, some_voxels
from torch.nn import functional

from sam3d_ros.model.sparse import GroupNorm, chunks, norms


def some_norm(groups=4, width=12):
    norm = GroupNorm(groups, width)
    torch.manual_seed(0)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    return norm


def reference(norm, features):
    return functional.group_norm(features.T[None], norm.groups, norm.weight, norm.bias, norm.eps)[0].T


def test_group_norm_statistics_run_over_all_voxels_of_an_object():
    x, norm = some_voxels(12, (200,)), some_norm()
    torch.testing.assert_close(norm(x).features, reference(norm, x.features))
    in_halves = torch.cat([reference(norm, half) for half in x.features.chunk(2)])
    assert not torch.allclose(norm(x).features, in_halves, atol=1e-2)


def test_group_norm_statistics_of_one_object_do_not_touch_another():
    x, norm = some_voxels(12, (200, 1, 30)), some_norm()
    alone = torch.cat([norm(part).features for part in objects_of(x)])
    torch.testing.assert_close(norm(x).features, alone)


def test_group_norm_in_pieces_is_that_of_the_whole(monkeypatch):
    x, norm = some_voxels(12, (200,)), some_norm()
    monkeypatch.setattr(norms, "ROWS", 37)
    monkeypatch.setattr(chunks, "ROWS", 37)
    features = x.features.requires_grad_()
    inputs = (features, norm.weight, norm.bias)
    ours, theirs = norm(x).features, reference(norm, features)
    torch.testing.assert_close(ours, theirs)
    weight = torch.randn(200, 12, generator=torch.Generator().manual_seed(1))
    for mine, other in zip(
        torch.autograd.grad((ours * weight).sum(), inputs),
        torch.autograd.grad((theirs * weight).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_statistics_of_half_precision_features_are_float32(dtype):
    x, norm = some_voxels(12, (300,)), some_norm()
    far = (100 + x.features).to(dtype)  # squares of these, summed up, overflow float16
    answer = norm(x.replace(far)).features
    assert answer.dtype == dtype
    exact = reference(norm, far.float())
    assert (answer.float() - exact).abs().max() < torch.finfo(dtype).eps * exact.abs().max()  # rounded once
