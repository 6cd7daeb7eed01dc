"""From a frame to pose, mesh and Gaussians: the original's own pipeline (see `golden`) against our parts in a row.

Weights come as state dicts of the published files with their key names. Noise is given. Two runs: 6 guided and 4 plain
steps; 4 distilled steps, after which the voxels are shrunk. Large tensors are compared in every n-th row.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from cases import frame_case, geometry_latents, published_state, refinement_noise
from golden import golden_part, relative_error
from small_sizes import WHOLE

from sam3d_ros.model import load_official
from sam3d_ros.model.config import STAGE1_DISTILLED, STAGE1_SAMPLER, STAGE2_SAMPLER
from sam3d_ros.model.pose import decode_poses
from sam3d_ros.model.preprocess import colour_image, model_inputs
from sam3d_ros.model.refinement import refinement_velocity
from sam3d_ros.model.sampling import integrate
from sam3d_ros.model.sparse import SparseTensor, Voxels
from sam3d_ros.model.structure import fit_voxels, geometry_velocity, occupied_voxels, prune_interior
from sam3d_ros.model.surface import extract_surface
from sam3d_ros.model.weights import published_specs

SAMPLERS = {"guided": replace(STAGE1_SAMPLER, steps=6), "distilled": STAGE1_DISTILLED}
CHAIN_LIMIT = 1e-3


@pytest.fixture(scope="module")
def model():
    shapes = {stem: {key: spec.shape for key, spec in specs.items()} for stem, specs in published_specs(WHOLE).items()}
    return load_official(published_state(shapes), WHOLE)


@pytest.fixture(scope="module")
def inputs():
    color, mask, points = frame_case("border")
    size = WHOLE.stage1_embedder.vit.image_size
    return model_inputs(colour_image(color), mask[None] / 255, points.permute(2, 0, 1), size=size)


@pytest.fixture(scope="module", params=SAMPLERS)
def run(request, model, inputs):
    """Everything that our parts make of the frame, and what the original made of it."""
    with torch.no_grad():
        latents = stage_1(model, inputs, SAMPLERS[request.param])
        occupied = occupied_voxels(model.structure_decoder(latents["shape"]))
        fitted = fit_voxels(prune_interior(occupied), WHOLE.max_voxels)
        slat = stage_2(model, inputs, fitted.coords)
        cubes = model.mesh_decoder(slat)
    poses = decode_poses(latents, inputs.pointmap_scale, inputs.pointmap_shift, factor=fitted.factor)
    ours = {"latents": latents, "occupied": occupied, "fitted": fitted, "slat": slat, "cubes": cubes, "poses": poses}
    return ours, golden_part("whole", request.param)


def stage_1(model, inputs, sampler):
    tokens = model.stage1_embedder({name: getattr(inputs, name) for name in model.stage1_embedder.inputs})
    velocity = geometry_velocity(model.geometry, model.geometry.project(tokens))
    return integrate(velocity, geometry_latents(1, grid=WHOLE.geometry.grid), sampler)


def stage_2(model, inputs, coords):
    voxels = Voxels(coords)
    tokens = model.stage2_embedder({name: getattr(inputs, name) for name in model.stage2_embedder.inputs})
    velocity = refinement_velocity(model.refinement, model.refinement.project(tokens), voxels)
    slat = integrate(velocity, {"slat": refinement_noise(len(voxels))[0]}, replace(STAGE2_SAMPLER, steps=4))["slat"]
    return SparseTensor(voxels, slat * torch.tensor(WHOLE.slat_std) + torch.tensor(WHOLE.slat_mean))


def test_the_five_latents_are_those_of_the_original(run):
    ours, theirs = run
    for name, latent in ours["latents"].items():
        step = 37 if name == "shape" else 1
        assert relative_error(latent[:, ::step], theirs[name]) < CHAIN_LIMIT, name


def test_the_voxels_are_those_of_the_original_in_its_order(run):
    ours, theirs = run
    assert torch.equal(ours["occupied"], theirs["coords_original"])
    assert torch.equal(ours["fitted"].coords, theirs["coords"])


def test_the_pose_is_that_of_the_original(run):
    ours, theirs = run
    poses = ours["poses"]
    assert relative_error(poses.quat_wxyz, theirs["rotation_camera"].reshape(1, 4)) < CHAIN_LIMIT
    assert relative_error(poses.translation_xyz, theirs["translation_camera"].reshape(1, 3)) < CHAIN_LIMIT
    assert relative_error(poses.scale[:, None].expand(1, 3), theirs["scale_camera"]) < CHAIN_LIMIT


def test_the_structured_latent_is_that_of_the_original(run):
    ours, theirs = run
    assert relative_error(ours["slat"].features, theirs["slat"]) < CHAIN_LIMIT


def test_the_surface_is_that_of_the_original(run):
    ours, theirs = run
    cubes = ours["cubes"]
    surface = extract_surface(cubes.coords[:, 1:], cubes.features, 4 * WHOLE.mesh.trunk.resolution)
    assert [len(surface.vertices), len(surface.faces)] == theirs["counts"][:2].tolist()
    assert relative_error(cubes.features[::211], theirs["raw"]) < CHAIN_LIMIT
    assert relative_error(surface.vertices[::101], theirs["vertices"]) < CHAIN_LIMIT
    assert relative_error(surface.attributes[::101], theirs["colours"]) < CHAIN_LIMIT
    assert torch.equal(surface.faces[::101], theirs["faces"].long())


@pytest.mark.parametrize(("name", "part"), [("gaussians", "gaussian_decoder"), ("gaussians_4", "gaussian_decoder_4")])
@torch.no_grad()
def test_the_gaussians_are_those_of_the_original(run, model, name, part):
    ours, theirs = run
    (cloud,) = getattr(model, part)(ours["slat"])
    columns = (cloud.means, cloud.scales, cloud.quat_wxyz, cloud.opacities[:, None], cloud.sh_dc)
    assert relative_error(torch.cat(columns, dim=1)[::61], theirs[name]) < CHAIN_LIMIT
