"""The structure encoder."""

from __future__ import annotations

import torch

from sam3d_ros.model.encoders import Posterior, StructureEncoder


def encoder() -> StructureEncoder:
    torch.manual_seed(0)
    return StructureEncoder(4, (4, 8, 8))


def test_the_latent_has_a_token_for_each_cell_of_the_coarsest_grid():
    posterior = encoder()(torch.zeros(2, 1, 16, 16, 16), torch.zeros(2, 1, 16, 16, 16))
    assert posterior.mean.shape == posterior.log_variance.shape == (2, 8, 4)


@torch.no_grad()
def test_tokens_lie_as_the_decoder_reads_them():
    net, empty = StructureEncoder(4, (8,), stem=8), torch.zeros(1, 1, 32, 32, 32)
    net.blocks = torch.nn.Identity()  # what remains is local
    occupied = empty.clone()
    occupied[..., 24:, :8, 24:] = 1  # the cell (3, 0, 3) of a grid of 4
    change = (net(occupied, empty).mean - net(empty, empty).mean).abs().sum(dim=-1)[0]
    assert change.nonzero().flatten().tolist() == [(3 * 4 + 0) * 4 + 3]


def test_the_divergence_is_zero_for_the_standard_normal_and_that_of_torch_elsewhere():
    zero = Posterior(torch.zeros(1, 2, 3), torch.zeros(1, 2, 3))
    assert zero.divergence() == 0
    mean, log_variance = torch.randn(1, 2, 3), torch.randn(1, 2, 3)
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).mean()
    torch.testing.assert_close(Posterior(mean, log_variance).divergence(), expected)


def test_a_draw_without_noise_is_the_mean():
    posterior = Posterior(torch.randn(1, 2, 3), torch.randn(1, 2, 3))
    assert torch.equal(posterior.sample(torch.zeros(1, 2, 3)), posterior.mean)
