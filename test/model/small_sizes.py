"""The small sizes at which the golden files were made, small enough for a CPU and uneven enough to show mix-ups."""

from __future__ import annotations

from sam3d_ros.model.config import (
    EmbedderConfig,
    GaussianConfig,
    GeometryConfig,
    MeshDecoderConfig,
    PointEmbedConfig,
    RefinementConfig,
    Sam3dConfig,
    StructureDecoderConfig,
    TrunkConfig,
    VitConfig,
)

VIT = VitConfig(width=64, depth=2, heads=4, image_size=56)
EMBEDDER = EmbedderConfig(vit=VIT, points=PointEmbedConfig(width=48, image_size=32), width=64)
STAGE2_EMBEDDER = EmbedderConfig(vit=VIT, points=None, width=64, prenorm_features=True)
GEOMETRY = GeometryConfig(width=64, condition_width=48, depth=3, heads=2, grid=4)
STRUCTURE_DECODER = StructureDecoderConfig(widths=(32, 16, 8))
REFINEMENT = RefinementConfig(resolution=16, width=64, condition_width=48, depth=2, heads=2, io_width=32)
REFINEMENT_DISTILLED = RefinementConfig(
    resolution=16, width=64, condition_width=48, depth=2, heads=2, io_width=32, step_size=True
)
TRUNK = TrunkConfig(resolution=16, width=96, depth=3, heads=3, window=4)
GAUSSIANS = GaussianConfig(trunk=TRUNK)
GAUSSIANS_4 = GaussianConfig(trunk=TRUNK, per_voxel=4)
# The original's group norms have 32 groups, so the narrowest width is 32.
MESH = MeshDecoderConfig(trunk=TrunkConfig(resolution=8, width=256, depth=2, heads=4, window=4), widths=(64, 32))


def _whole_trunk(width: int, depth: int) -> TrunkConfig:
    return TrunkConfig(resolution=32, width=width, depth=depth, heads=4, window=8)


# All parts fit together; the original's chain takes shape latents of 16^3 tokens only.
WHOLE = Sam3dConfig(
    stage1_embedder=EMBEDDER,
    geometry=GeometryConfig(width=64, condition_width=64, depth=2, heads=2),
    structure_decoder=StructureDecoderConfig(widths=(16, 8), res_blocks=1, middle_blocks=1),
    stage2_embedder=STAGE2_EMBEDDER,
    refinement=RefinementConfig(resolution=32, width=64, condition_width=64, depth=2, heads=2, io_width=32),
    gaussians=GaussianConfig(trunk=_whole_trunk(64, 2)),
    gaussians_4=GaussianConfig(trunk=_whole_trunk(64, 2), per_voxel=4),
    mesh=MeshDecoderConfig(trunk=_whole_trunk(256, 2), widths=(64, 32)),
    max_voxels=207,
)
