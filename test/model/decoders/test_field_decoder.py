"""The light decoder, and the encoder that it is trained with."""

from __future__ import annotations

import pytest
import torch
from dense_reference import some_voxels
from seeded import with_seeded_weights

from sam3d_ros.model.config import ConfigError, FieldConfig, MeshDecoderConfig, Sam3dConfig, TrunkConfig
from sam3d_ros.model.decoders import FieldDecoder, MeshDecoder, VoxelFields
from sam3d_ros.model.encoders import FieldEncoder
from sam3d_ros.model.sparse import SparseTensor, Voxels
from sam3d_ros.model.weights.parts import build_empty

TRUNK = TrunkConfig(resolution=8, channels=4, width=32, depth=2, heads=1, window=4)
CONFIG = MeshDecoderConfig(trunk=TRUNK, widths=(), field=FieldConfig(cells=4, colour_cells=2))


def decoder() -> FieldDecoder:
    return with_seeded_weights(FieldDecoder(CONFIG)).requires_grad_(False)


def test_cells_lie_within_each_voxel_and_colours_are_between_0_and_1():
    fields = decoder()(some_voxels(4, (60, 20)))
    assert fields.distance.shape == (80, 4, 4, 4)
    assert fields.colours.shape == (80, 2, 2, 2, 3)
    assert 0 <= fields.colours.min() < fields.colours.max() <= 1


def test_objects_of_a_batch_get_the_fields_that_each_gets_alone():
    x, net = some_voxels(4, (60, 20)), decoder()
    both = net(x)
    for number, (places, features) in enumerate(x.per_object()):
        alone = net(SparseTensor(Voxels(torch.nn.functional.pad(places, (1, 0))), features))
        rows = slice(0, 60) if number == 0 else slice(60, 80)
        torch.testing.assert_close(both.distance[rows], alone.distance, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(both.colours[rows], alone.colours, atol=1e-5, rtol=1e-5)


def test_in_half_precision_and_under_autocast_distances_stay_float32():
    x, net = some_voxels(4, (60,)), decoder()
    exact = net(x).distance
    with torch.autocast("cpu", torch.bfloat16):
        mixed = net(x).distance
    net.to_compute_dtype(torch.bfloat16)
    half = net(x).distance
    for distance in (mixed, half):
        assert distance.dtype == torch.float32
        assert 0 < (distance - exact).abs().max() < 0.1 * exact.abs().max()


def test_the_config_chooses_the_mesh_decoder():
    light = Sam3dConfig(mesh=CONFIG)
    assert isinstance(build_empty("mesh_decoder", light, torch.float32), FieldDecoder)
    assert isinstance(build_empty("mesh_decoder", Sam3dConfig(), torch.float32), MeshDecoder)
    for part in (FieldDecoder, FieldEncoder):
        with pytest.raises(ConfigError, match="without `field`"):
            part(MeshDecoderConfig())


def test_encoder_and_decoder_learn_the_fields_of_one_object():
    torch.manual_seed(0)
    voxels = some_voxels(4, (60,)).voxels
    centres = (voxels.coords[:, 1:].float() + 0.5) / 8 - 0.5
    cell = (torch.arange(4) + 0.5) / 32 - 1 / 16
    offsets = torch.stack(torch.meshgrid(cell, cell, cell, indexing="ij"), dim=-1)
    points = centres[:, None, None, None] + offsets
    truth = VoxelFields((points.norm(dim=-1) - 0.35) * 4, (points[:, ::2, ::2, ::2] + 0.5).clamp(0, 1))
    encoder, net = FieldEncoder(CONFIG), FieldDecoder(CONFIG)
    optimiser = torch.optim.Adam([*encoder.parameters(), *net.parameters()], lr=5e-3)
    losses = []
    for _ in range(80):
        posterior = encoder(voxels, truth)
        answer = net(posterior.sample(torch.randn_like(posterior.log_variance)))
        loss = (answer.distance - truth.distance).abs().mean() + (answer.colours - truth.colours).abs().mean()
        loss = loss + 1e-4 * posterior.divergence()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.25 * losses[0]
