"""Both decoders of structured latents against the original (see `golden`), at small sizes."""

from __future__ import annotations

import pytest
import torch
from cases import decoder_slat
from golden import golden, golden_part, relative_error
from seeded import seeded_voxels, with_seeded_weights
from small_sizes import GAUSSIANS, GAUSSIANS_4, MESH
from torch.nn.functional import normalize

from sam3d_ros.geometry.gaussian_ply import encode_gaussian_ply
from sam3d_ros.geometry.gaussians import Gaussians
from sam3d_ros.model.decoders import GaussianDecoder, MeshDecoder
from sam3d_ros.model.sparse import SparseTensor

LIMIT = 1e-4
DECODERS = {"32": GAUSSIANS, "4": GAUSSIANS_4}


@pytest.mark.parametrize("name", DECODERS)
@torch.no_grad()
def test_gaussians_are_those_of_the_original_in_its_order(name):
    decoder = with_seeded_weights(GaussianDecoder(DECODERS[name]))
    voxels = seeded_voxels("decoder.coords", GAUSSIANS.trunk.resolution, 60)
    (cloud,) = decoder(SparseTensor.of(voxels, decoder_slat(60)))
    theirs = golden_part("gaussians", name)
    assert relative_error(cloud.means, theirs["xyz"]) < LIMIT
    assert relative_error(cloud.scales, theirs["scaling"]) < LIMIT
    assert relative_error(cloud.quat_wxyz, theirs["rotation"]) < LIMIT
    assert relative_error(cloud.opacities[:, None], theirs["opacity"]) < LIMIT
    assert relative_error(cloud.sh_dc, theirs["dc"]) < LIMIT


@pytest.mark.parametrize("name", DECODERS)
def test_offsets_start_where_the_original_s_start(name):
    fresh = GaussianDecoder(DECODERS[name]).offset_perturbation
    assert relative_error(fresh, golden_part("gaussians", name)["perturbation"]) < 1e-5


@torch.no_grad()
def test_the_file_of_gaussians_has_the_rows_of_the_original_s_with_rotations_of_unit_length():
    decoder = with_seeded_weights(GaussianDecoder(GAUSSIANS_4))
    voxels = seeded_voxels("decoder.coords", GAUSSIANS.trunk.resolution, 60)
    (cloud,) = decoder(SparseTensor.of(voxels, decoder_slat(60)))
    fields = ("means", "scales", "quat_wxyz", "opacities", "sh_dc")
    data = encode_gaussian_ply(Gaussians(**{field: getattr(cloud, field).numpy() for field in fields}))
    rows = torch.frombuffer(bytearray(data.partition(b"end_header\n")[2]), dtype=torch.float32).view(-1, 17)
    theirs = golden("gaussians")["4.ply"]
    assert relative_error(rows[:, :13], theirs[:, :13]) < LIMIT
    assert relative_error(rows[:, 13:], normalize(theirs[:, 13:], dim=1)) < LIMIT


@torch.no_grad()
def test_raw_cubes_are_those_of_the_original_in_its_order():
    decoder = with_seeded_weights(MeshDecoder(MESH))
    voxels = seeded_voxels("mesh.coords", MESH.trunk.resolution, 10)
    cubes = decoder(SparseTensor.of(voxels, decoder_slat(10)))
    theirs = golden("mesh_decoder")
    assert torch.equal(cubes.coords, theirs["coords"])
    assert relative_error(cubes.features, theirs["raw"]) < LIMIT
