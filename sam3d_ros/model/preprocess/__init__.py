"""What the embedders read, from an image, a mask and a pointmap; each step can be called alone."""

from .boxes import Box, PreprocessError, object_box
from .inputs import ModelInputs, colour_image, model_inputs
from .normaliser import PointmapSpace, mark_invalid, normalise, pointmap_space
from .pixels import crop, pad_to_square, resize_colour, resize_nearest

__all__ = [
    "Box",
    "ModelInputs",
    "PointmapSpace",
    "PreprocessError",
    "colour_image",
    "crop",
    "mark_invalid",
    "model_inputs",
    "normalise",
    "object_box",
    "pad_to_square",
    "pointmap_space",
    "resize_colour",
    "resize_nearest",
]
