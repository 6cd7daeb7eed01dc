"""Structure decoder, pruning, shrinking and pose against the original's (see `golden`)."""

from __future__ import annotations

import pytest
import torch
from cases import occupancy_logits, pose_latents, pose_space, structure_latent
from golden import golden, relative_error
from seeded import with_seeded_weights
from small_sizes import STRUCTURE_DECODER

from sam3d_ros.model.pose import decode_poses
from sam3d_ros.model.structure import StructureDecoder, fit_voxels, occupied_voxels, prune_interior

POSES = range(24)


@torch.no_grad()
def test_occupancy_logits_are_those_of_the_original():
    decoder = with_seeded_weights(StructureDecoder(STRUCTURE_DECODER))
    assert relative_error(decoder(structure_latent()), golden("structure")["logits"]) < 1e-4


def test_occupied_voxels_and_their_shell_are_those_of_the_original_in_its_order():
    theirs = golden("structure")
    coords = occupied_voxels(occupancy_logits())
    assert torch.equal(coords, theirs["coords"])
    assert torch.equal(prune_interior(coords), theirs["pruned"])


@pytest.mark.parametrize(("given", "limit", "result"), [("pruned", 200, "shrunk"), ("coords", 400, "shrunk_unpruned")])
def test_shrunk_voxels_are_those_of_the_original(given, limit, result):
    theirs = golden("structure")
    fitted = fit_voxels(theirs[given], limit)
    assert fitted.factor == 2
    assert torch.equal(fitted.coords, theirs[result])


def test_voxels_within_the_limit_are_left_alone():
    pruned = golden("structure")["pruned"]
    fitted = fit_voxels(pruned, len(pruned))
    assert fitted.factor == 1
    assert torch.equal(fitted.coords, pruned)


@pytest.mark.parametrize("factor", [1, 2])
def test_poses_are_those_of_the_original(factor):
    latents = [pose_latents(index) for index in POSES]
    layout = {name: torch.cat([latent[name] for latent in latents]) for name in latents[0]}
    scale, shift = (torch.cat(parts) for parts in zip(*map(pose_space, POSES), strict=True))
    ours, theirs = decode_poses(layout, scale, shift, factor=factor), golden("pose")
    assert relative_error(ours.quat_wxyz, theirs["rotation"]) < 1e-5
    assert relative_error(ours.translation_xyz, theirs["translation"]) < 1e-5
    assert relative_error(ours.scale[:, None].expand(-1, 3) / factor, theirs["scale"]) < 1e-5
