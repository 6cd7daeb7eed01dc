"""Convolutions on voxels against dense ones."""

from __future__ import annotations

import pytest
import torch
from dense_reference import convolved, objects_of, repeated, some_coords, some_voxels

from sam3d_ros.model.sparse import PointConvolution, Rule, SparseTensor, SubmanifoldConvolution, Voxels, multiply_add
from sam3d_ros.model.sparse import kernel as kernel_module
from sam3d_ros.model.sparse.gathered import is_worth_gathering
from sam3d_ros.model.sparse.neighbours import find_neighbours


def pairs_as_sets(neighbours):
    return [set(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True)) for pairs in neighbours]


@pytest.mark.parametrize("counts", [(1,), (60,), (512,), (30, 1, 200)])
def test_a_submanifold_convolution_is_the_dense_one_read_at_the_voxels(counts):
    x, conv = some_voxels(5, counts), SubmanifoldConvolution(5, 7)
    torch.testing.assert_close(conv(x).features, convolved(x, conv.conv.weight, conv.conv.bias).features)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_kernels_are_cross_correlations_with_axes_in_the_order_of_the_coordinates(axis):
    coords = torch.zeros(2, 4, dtype=torch.int32)
    coords[1, 1 + axis] = 1
    conv = SubmanifoldConvolution(1, 1)
    conv.load_state_dict({"conv.weight": torch.zeros(1, 3, 3, 3, 1), "conv.bias": torch.zeros(1)})
    tap = [1, 1, 1]
    tap[axis] = 2  # the tap that looks one voxel ahead
    conv.conv.weight.data[(0, *tap, 0)] = 1
    answer = conv(SparseTensor.of(coords, torch.tensor([[2.0], [3.0]])))
    assert answer.features[:, 0].tolist() == [3.0, 0.0]


def test_objects_of_a_batch_do_not_see_each_other():
    x, conv = some_voxels(4, (50, 20, 50)), SubmanifoldConvolution(4, 3)
    alone = torch.cat([conv(part).features for part in objects_of(x)])
    torch.testing.assert_close(conv(x).features, alone)


def test_a_convolution_on_children_is_that_of_the_repeated_features():
    x, conv = some_voxels(6, (40, 25), grid=5), SubmanifoldConvolution(6, 4)
    children = repeated(x)
    answer = conv.on_children(x, x.voxels.subdivided())
    assert torch.equal(answer.coords, children.coords)
    torch.testing.assert_close(answer.features, convolved(children, conv.conv.weight, conv.conv.bias).features)


def test_neighbours_of_children_are_those_that_a_search_finds():
    children = Voxels(some_coords((40, 25), grid=5)).subdivided()
    assert pairs_as_sets(children.neighbours) == pairs_as_sets(find_neighbours(children.coords))


def test_each_neighbour_pair_is_listed_once_at_its_step():
    coords = some_coords((30,), grid=4)
    rows = {tuple(place): row for row, place in enumerate(coords[:, 1:].tolist())}
    steps = [(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)]
    for step, pairs in zip(steps, find_neighbours(coords), strict=True):
        wanted = {
            (rows[there], row)
            for place, row in rows.items()
            if (there := tuple(p + s for p, s in zip(place, step, strict=True))) in rows
        }
        assert len(pairs.source) == len(wanted)
        assert set(zip(pairs.source.tolist(), pairs.target.tolist(), strict=True)) == wanted


def test_the_one_cubed_convolution_reinterprets_its_buffer_instead_of_transposing_it():
    x, conv = some_voxels(4), PointConvolution(4, 6)
    buffer = conv.conv.weight.detach().flatten()  # stored as [6, 1, 1, 1, 4]
    by_hand = torch.stack([sum(x.features[:, i] * buffer[6 * i + o] for i in range(4)) for o in range(6)], dim=1)
    torch.testing.assert_close(conv(x).features, by_hand + conv.conv.bias)
    transposed = x.features @ conv.conv.weight.view(6, 4).T + conv.conv.bias
    assert not torch.allclose(conv(x).features, transposed, atol=0.01)


def test_gradients_are_those_of_the_dense_convolution():
    x, conv = some_voxels(3, (30, 20), grid=5), SubmanifoldConvolution(3, 2)
    features = x.features.requires_grad_()
    inputs = (features, conv.conv.weight, conv.conv.bias)
    weight = torch.randn(50, 2, generator=torch.Generator().manual_seed(1))
    ours = torch.autograd.grad((conv(x).features * weight).sum(), inputs)
    theirs = torch.autograd.grad((convolved(x, *inputs[1:]).features * weight).sum(), inputs)
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, reference)


def test_gradients_on_children_are_those_of_the_repeated_features():
    x, conv = some_voxels(3, (12,), grid=3), SubmanifoldConvolution(3, 2)
    inputs = (x.features.requires_grad_(), conv.conv.weight)
    weight = torch.randn(96, 2, generator=torch.Generator().manual_seed(1))
    ours = torch.autograd.grad((conv.on_children(x, x.voxels.subdivided()).features * weight).sum(), inputs)
    theirs = torch.autograd.grad((convolved(repeated(x), inputs[1], conv.conv.bias).features * weight).sum(), inputs)
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, reference)


def test_the_kernel_passes_the_numerical_gradient_check():
    generator = torch.Generator().manual_seed(0)
    features, first, second = (
        torch.randn(*shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((4, 3), (3, 4), (3, 2))
    )
    rules = [
        Rule(torch.tensor([0, 2]), torch.tensor([[0, 1], [3, 4]])),
        Rule(torch.tensor([3, 1, 2]), torch.tensor([[1], [0], [4]])),
    ]
    weights = (first, second)
    assert torch.autograd.gradcheck(lambda x, *w: multiply_add(x, rules[: len(w)], w, 5), (features, weights[0]))
    assert torch.autograd.gradcheck(lambda x, w: multiply_add(x, rules[1:], (w,), 5), (features, weights[1]))


def test_pieces_of_any_size_give_the_same_sum(monkeypatch):
    x, conv = some_voxels(4, (100,)), SubmanifoldConvolution(4, 3)
    whole = conv(x).features, conv.on_children(x, x.voxels.subdivided()).features
    monkeypatch.setattr(kernel_module, "ROWS", 7)
    in_pieces = conv(x).features, conv.on_children(x, x.voxels.subdivided()).features
    for one, other in zip(whole, in_pieces, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_only_products_are_rounded_not_their_sums(dtype):
    x, conv = some_voxels(16, (200,)), SubmanifoldConvolution(16, 8)
    exact = conv(x).features
    answer = conv.to(dtype)(x.replace(x.features.to(dtype))).features
    assert answer.dtype == dtype
    # Inputs, weights and each of up to 27 products are rounded once.
    assert (answer.float() - exact).abs().max() < 4 * torch.finfo(dtype).eps * exact.abs().max()


def test_another_kernel_is_chosen_by_argument_alone():
    calls = []

    def counting(*arguments):
        calls.append(arguments)
        return multiply_add(*arguments)

    x = some_voxels(4)
    torch.manual_seed(0)
    ours = SubmanifoldConvolution(4, 3)
    other = SubmanifoldConvolution(4, 3, kernel=counting)
    other.load_state_dict(ours.state_dict())
    torch.testing.assert_close(other(x).features, ours(x).features)
    assert len(calls) == 1


@pytest.mark.parametrize("counts", [(1,), (60,), (30, 1, 200)])
def test_neighbours_side_by_side_give_what_adding_up_gives_and_the_same_gradients(counts):
    x = some_voxels(5, counts)
    assert is_worth_gathering(x.features)
    gathered, added = SubmanifoldConvolution(5, 7), SubmanifoldConvolution(5, 7, kernel=multiply_add)
    added.load_state_dict(gathered.state_dict())
    answers = []
    for conv in (gathered, added):
        features = x.features.detach().clone().requires_grad_(True)
        answer = conv(x.replace(features)).features
        (answer * torch.arange(7.0)).square().sum().backward()
        answers.append((answer, features.grad, conv.conv.weight.grad, conv.conv.bias.grad))
    for one, other in zip(*answers, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_wide_or_many_voxels_are_added_up():
    assert not is_worth_gathering(torch.zeros(4, 128))
    assert is_worth_gathering(torch.zeros(4, 128, dtype=torch.bfloat16))
    assert not is_worth_gathering(torch.zeros(1 << 15, 8))


def test_under_autocast_products_are_in_its_dtype_and_gradients_arrive_in_float32():
    x, conv = some_voxels(8, (60,)), SubmanifoldConvolution(8, 8)
    exact = conv(x).features
    with torch.autocast("cpu", torch.bfloat16):
        answer = conv(x).features
    answer.sum().backward()
    assert answer.dtype == conv.conv.weight.grad.dtype == torch.float32
    assert 0 < (answer - exact).abs().max() < 0.02 * exact.abs().max()
