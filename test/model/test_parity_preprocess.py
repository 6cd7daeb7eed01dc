"""Images, masks, pointmaps and their SSI space against the original's (see `golden`): frames of `cases`, 56 pixels."""

from __future__ import annotations

import pytest
import torch
from cases import FRAMES, NORMALISER_CASES, frame_case, normaliser_case
from golden import golden_part, relative_error

from sam3d_ros.model.preprocess import colour_image, model_inputs, normalise, pointmap_space

SIZE = 56
IMAGES = ("image", "mask", "rgb_image", "rgb_image_mask")
POINTMAPS = ("pointmap", "rgb_pointmap")


@pytest.fixture(scope="module", params=FRAMES)
def frame(request):
    """Our inputs of a frame and the original's."""
    color, mask, points = frame_case(request.param)
    ours = model_inputs(colour_image(color), mask[None] / 255, points.permute(2, 0, 1), size=SIZE)
    return ours, golden_part("preprocessing", request.param)


@pytest.mark.parametrize("name", IMAGES)
def test_crops_and_full_images_are_those_of_the_original(frame, name):
    ours, theirs = frame
    assert relative_error(getattr(ours, name), theirs[name]) < 1e-5


@pytest.mark.parametrize("name", POINTMAPS)
def test_pointmaps_have_holes_zeros_and_padding_where_the_original_has_them(frame, name):
    ours, theirs = frame
    assert relative_error(getattr(ours, name), theirs[name]) < 1e-5
    assert torch.equal(getattr(ours, name) == 0, theirs[name] == 0)


def test_the_space_of_the_pointmap_is_exactly_that_of_the_original(frame):
    ours, theirs = frame
    for prefix in ("", "rgb_"):
        assert torch.equal(ours.pointmap_scale, theirs[f"{prefix}pointmap_scale"])
        assert torch.equal(ours.pointmap_shift, theirs[f"{prefix}pointmap_shift"])


@pytest.mark.parametrize("name", NORMALISER_CASES)
def test_the_normaliser_gives_what_the_original_gives(name):
    pointmap, mask = normaliser_case(name)
    theirs = golden_part("normaliser", name)
    space = pointmap_space(pointmap, mask)
    assert torch.equal(space.scale, theirs["scale"])
    assert torch.equal(space.shift, theirs["shift"])
    assert relative_error(normalise(pointmap, space), theirs["pointmap"]) < 1e-5
