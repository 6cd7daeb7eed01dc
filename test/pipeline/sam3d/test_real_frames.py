"""Real RGB-D frames through an untrained model: every mask is answered by an object or a reason, whatever comes out."""

from __future__ import annotations

import pytest

from sam3d_ros.pipeline import RejectionReason
from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.pipeline.model_options import ModelOptions, Sampling
from sam3d_ros.pipeline.sam3d import Sam3dBackend, Sam3dSettings
from sam3d_ros.replay.frame_folder import load_frame
from sam3d_ros.tracking.tracker import SceneTracker

FRAMES = 3
# What an untrained model may be refused for; anything else would be a defect.
ALLOWED = {
    RejectionReason.LOW_DEPTH_AGREEMENT,
    RejectionReason.EMPTY_SHAPE,
    RejectionReason.TOUCHES_BORDER,
    RejectionReason.TOO_FEW_DEPTH_POINTS,
    RejectionReason.DEPTH_OUT_OF_RANGE,
    RejectionReason.MASK_TOO_SMALL,
}


@pytest.mark.parametrize("weights", ["plain_weights", "block_weights"])
@pytest.mark.parametrize("index", range(FRAMES))
def test_every_mask_of_a_real_frame_is_answered(request, real_frames, weights, index):
    options = ModelOptions(weights=request.getfixturevalue(weights), sampling=Sampling.FAST, steps=2)
    tracker = SceneTracker(Sam3dBackend(Sam3dSettings(options, triangle_budget=1500, min_inlier_ratio=0.0)))
    tracker.load()
    frame = load_frame(real_frames[index * len(real_frames) // FRAMES])
    update = tracker.process(frame)
    answered = {item.label for item in update.objects} | {item.label for item in update.rejections}
    assert answered == set(frame.instance_labels())
    assert {item.reason for item in update.rejections} <= ALLOWED
    assert all(is_watertight(item.mesh) for item in update.objects)
