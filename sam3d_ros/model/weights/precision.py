"""Which tensors may be in half precision: linears and convolutions of the blocks, and nothing else.

Norms, their gains, embeddings, the first and last layers and all of the embedders and the structure decoder stay in
float32, as the published model keeps them.
"""

from __future__ import annotations

import re

# Part -> the top-level modules whose linears and convolutions the published load stores in half.
_BLOCKS = {
    "geometry": ("blocks", "observed_encoder"),
    "refinement": ("blocks", "input_blocks", "out_blocks"),
    "gaussian_decoder": ("blocks",),
    "gaussian_decoder_4": ("blocks",),
    "mesh_decoder": ("blocks", "upsample"),
}

_NORM = re.compile(r"norm\d*$")  # not the stream that is called 6drotation_normalized


def may_be_half(part: str, key: str) -> bool:
    """Whether the tensor `key` of `part` (a name without the published prefix) may be stored in half."""
    top, *inner = key.split(".")
    if top not in _BLOCKS.get(part, ()):
        return False
    if top == "observed_encoder" and inner[0] != "blocks":
        return False
    # The group norms between the mesh decoder's convolutions have numbers for names.
    return "conv" in inner if top == "upsample" else not any(_NORM.search(name) for name in inner)


def is_matrix(key: str, shape: tuple[int, ...]) -> bool:
    """Whether the tensor `key` is that of a linear layer or a convolution, whatever the part."""
    return key.endswith("weight") and len(shape) > 1
