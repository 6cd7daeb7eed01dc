"""Condition tokens from images, masks and pointmaps."""

from .fuser import IMAGE_INPUTS, POINT_INPUTS, ConditionEmbedder, draw_dropped
from .points import PointPatchEmbed
from .vit import ImageEmbedder, VisionTransformer, imagenet_normalised

__all__ = [
    "IMAGE_INPUTS",
    "POINT_INPUTS",
    "ConditionEmbedder",
    "ImageEmbedder",
    "PointPatchEmbed",
    "VisionTransformer",
    "draw_dropped",
    "imagenet_normalised",
]
