"""Real RGB-D frames through an untrained model: every mask is answered by an object or a reason, whatever comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sam3d_ros.pipeline import RejectionReason
from sam3d_ros.pipeline.finish import is_watertight
from sam3d_ros.pipeline.gates import OPEN
from sam3d_ros.pipeline.model_options import ModelOptions, Sampling
from sam3d_ros.pipeline.sam3d import Sam3dBackend, Sam3dSettings
from sam3d_ros.replay.frames.frame_folder import load_frame
from sam3d_ros.tracking.tracker import SceneTracker

# A surface that is noise takes its time to be closed and thinned, so that few masks must do.
CASES = [("plain_weights", 0, 1), ("block_weights", 1, 2), ("block_weights", 2, 2)]  # weights, which third, masks
# What an untrained model may be refused for; anything else would be a defect.
ALLOWED = {
    RejectionReason.LOW_DEPTH_AGREEMENT,
    RejectionReason.EMPTY_SHAPE,
    RejectionReason.TOUCHES_BORDER,
    RejectionReason.TOO_FEW_DEPTH_POINTS,
    RejectionReason.DEPTH_OUT_OF_RANGE,
    RejectionReason.MASK_TOO_SMALL,
}


@pytest.mark.parametrize(("weights", "third", "masks"), CASES)
def test_every_mask_of_a_real_frame_is_answered(request, real_frames, weights, third, masks):
    options = ModelOptions(weights=request.getfixturevalue(weights), sampling=Sampling.FAST, steps=2)
    tracker = SceneTracker(Sam3dBackend(Sam3dSettings(options, triangle_budget=1500, gates=OPEN)))
    tracker.load()
    frame = load_frame(real_frames[third * len(real_frames) // 3])
    labels = frame.instance_labels()[:masks]
    update = tracker.process(replace(frame, labels=frame.labels * np.isin(frame.labels, labels)))
    answered = {item.label for item in update.objects} | {item.label for item in update.rejections}
    assert answered == set(labels)
    assert {item.reason for item in update.rejections} <= ALLOWED
    assert all(is_watertight(item.mesh) for item in update.objects)
