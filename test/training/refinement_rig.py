"""Small sizes of the refinement network, for its tests."""

from __future__ import annotations

from dataclasses import replace

from sam3d_ros.model import SMALL
from sam3d_ros.model.config import RefinementConfig
from sam3d_ros.model.refinement import VOXEL_FEATURES
from sam3d_ros.training.stages.refinement import RefinementSettings

RESOLUTION = 32  # half of stage 1's grid
EMBEDDER = replace(SMALL.stage2_embedder, width=24, vit=replace(SMALL.stage2_embedder.vit, width=32, heads=1, depth=1))
SETTINGS = RefinementSettings(
    embedder=EMBEDDER,
    refinement=RefinementConfig(
        resolution=RESOLUTION, channels=8, width=24, condition_width=24, depth=1, heads=1, mlp_ratio=2.0, io_width=24,
        step_size=True, prediction="clean", voxel_features=VOXEL_FEATURES,
    ),
)  # fmt: skip
