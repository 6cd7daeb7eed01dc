"""The structure decoder, block by block."""

from __future__ import annotations

import itertools

import pytest
import torch
from seeded import seeded, with_seeded_weights
from small_sizes import STRUCTURE_DECODER as CONFIG

from sam3d_ros.model.structure import StructureDecoder
from sam3d_ros.model.structure.decoder_blocks import ChannelNorm, ResidualBlock, pixel_shuffle_3d


def test_the_pixel_shuffle_reads_channels_as_channel_then_the_three_offsets():
    """Trap 31: (C, a, b, c) and not (a, b, c, C)."""
    x = seeded("x", 2, 24, 2, 3, 4)
    shuffled = pixel_shuffle_3d(x)
    assert shuffled.shape == (2, 3, 4, 6, 8)
    for channel, a, b, c in itertools.product(range(3), range(2), range(2), range(2)):
        source = x[:, channel * 8 + a * 4 + b * 2 + c]
        assert torch.equal(shuffled[:, channel, a::2, b::2, c::2], source)


def test_the_norm_runs_over_the_channels_of_each_voxel_with_eps_of_1e_5():
    """Trap 16."""
    x = 3e-3 * seeded("x", 1, 16, 2, 3, 4)
    centred = x - x.mean(1, keepdim=True)
    expected = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(ChannelNorm(16)(x), expected, rtol=1e-5, atol=1e-6)


def test_a_residual_block_is_norm_silu_convolution_twice_added_to_its_input():
    block = with_seeded_weights(ResidualBlock(8))
    x = seeded("x", 1, 8, 3, 3, 3)
    h = x
    for norm, conv in ((block.norm1, block.conv1), (block.norm2, block.conv2)):
        h = norm(h)
        h = conv(h * h.sigmoid())
    torch.testing.assert_close(block(x), x + h)


def test_the_latent_is_read_with_cell_x_y_z_at_x_major_position():
    """A change of one cell of the latent changes the logits around that cell of the fine grid most."""
    decoder = with_seeded_weights(StructureDecoder(CONFIG))
    latent = seeded("latent", 1, 8**3, CONFIG.channels)
    other = latent.clone()
    x, y, z = 6, 1, 3
    other[:, (x * 8 + y) * 8 + z] += 100
    change = (decoder(other) - decoder(latent)).abs()[0, 0]
    centre = torch.stack(torch.meshgrid(*[torch.arange(32.0)] * 3, indexing="ij"), -1)[
        change > 0.5 * change.max()
    ].mean(0)
    torch.testing.assert_close(centre, 4 * torch.tensor([x, y, z]) + 1.5, rtol=0, atol=4.0)


def test_objects_of_a_batch_decode_as_they_do_alone():
    decoder = with_seeded_weights(StructureDecoder(CONFIG))
    latent = seeded("latent", 2, 4**3, CONFIG.channels)
    together = decoder(latent)
    assert together.shape == (2, 1, 16, 16, 16)
    torch.testing.assert_close(together[1:], decoder(latent[1:]), rtol=1e-4, atol=1e-5)


def test_half_precision_casts_convolutions_alone_and_answers_in_float32():
    """Trap 41: what autocast does to the published decoder."""
    decoder = with_seeded_weights(StructureDecoder(CONFIG))
    latent = seeded("latent", 1, 4**3, CONFIG.channels)
    exact = decoder(latent)
    decoder.to_compute_dtype(torch.bfloat16)
    kinds = {
        tensor.dtype for key, tensor in decoder.state_dict().items() if "norm" in key or key.startswith("out_layer.0")
    }
    assert kinds == {torch.float32}
    assert decoder.input_layer.weight.dtype == torch.bfloat16
    rounded = decoder(latent)
    assert rounded.dtype == torch.float32
    assert (rounded - exact).abs().max() < 0.1 * exact.abs().max()


@pytest.mark.parametrize(("shape", "words"), [((1, 63, 8), "63 tokens"), ((1, 64, 7), "7 channels")])
def test_latents_of_another_shape_are_refused(shape, words):
    with pytest.raises(ValueError, match=words):
        StructureDecoder(CONFIG)(torch.zeros(shape))
