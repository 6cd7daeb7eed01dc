"""The golden files beside the parity tests, and how far two tensors lie apart.

What made them: the original code (repository facebookresearch/sam-3d-objects, commit cf06676) on a CPU in float32, its
CUDA-only imports replaced by plain ones (sparse convolutions as dense ones, torch's attention), at the sizes of
`small_sizes`, with the weights and inputs of `seeded`. Each file says in its metadata what is inside.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

FOLDER = Path(__file__).parent / "golden"


def golden(name: str) -> dict[str, Tensor]:
    """Tensors of golden/NAME.safetensors."""
    return load_file(FOLDER / f"{name}.safetensors")


def golden_part(name: str, part: str) -> dict[str, Tensor]:
    """Tensors of golden/NAME.safetensors that are called PART.something, without that prefix."""
    return {key.removeprefix(f"{part}."): value for key, value in golden(name).items() if key.startswith(f"{part}.")}


def relative_error(ours: Tensor, theirs: Tensor) -> float:
    """Largest difference, relative to the largest magnitude of `theirs`; both must be NaN at the same places."""
    assert ours.shape == theirs.shape, f"shape {tuple(ours.shape)} instead of {tuple(theirs.shape)}"
    known = ~torch.isnan(theirs)
    assert torch.equal(~torch.isnan(ours), known), "NaN at other places"
    if not known.any():
        return 0.0
    difference = (ours.double() - theirs.double())[known].abs().max()
    return float(difference / theirs[known].double().abs().max().clamp(min=1e-12))
