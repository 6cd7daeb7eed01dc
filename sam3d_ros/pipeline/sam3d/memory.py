"""How much memory the weights may take, and what running out of it looks like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...model.config import EmbedderConfig, Sam3dConfig

_MIB = 2**20
# What the mesh decoder takes, in tensors as large as its features at the finest grid (see `MeshDecoder`).
_MESH_TENSORS = 7


@contextmanager
def memory_errors() -> Iterator[None]:
    """Say MemoryError where torch's allocator on the CPU says RuntimeError; the GPU's own error passes as it is."""
    try:
        yield
    except RuntimeError as error:
        if "DefaultCPUAllocator" in str(error):
            raise MemoryError(str(error).splitlines()[0]) from error
        raise


def give_back(device: torch.device) -> None:
    """Return to the device what torch keeps for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def limit_device(device: torch.device, limit_mib: int) -> None:
    """Make torch refuse, as out of memory, what goes beyond the limit on a GPU; 0 lifts it."""
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit_mib * _MIB / total) if limit_mib else 1.0, device)


def weights_budget(config: Sam3dConfig, *, device: torch.device, dtype: torch.dtype, limit_mib: int) -> int | None:
    """Bytes that the weights may take beside the work; None where nothing limits them.

    With a limit of 0 that is what is free on a GPU, and nothing limits the CPU. At least 0.
    """
    if limit_mib:
        total = limit_mib * _MIB
    elif device.type == "cuda":
        total = int(torch.cuda.mem_get_info(device)[0])
    else:
        return None
    return max(0, total - working_bytes(config, dtype))


def working_bytes(config: Sam3dConfig, dtype: torch.dtype) -> int:
    """Estimate of what the hungriest stage takes beside its weights: keys and values, or the features of the mesh."""
    item = int(dtype.itemsize)
    geometry, mesh = config.geometry, config.mesh
    keys_values: int = geometry.depth * 2 * condition_tokens(config.stage1_embedder) * 2 * geometry.width * item
    widths = mesh.widths or (mesh.trunk.width,)
    finest: int = config.max_voxels * 8 ** len(mesh.widths) * widths[-1] * item
    return max(keys_values, _MESH_TENSORS * finest)


def condition_tokens(config: EmbedderConfig) -> int:
    """Tokens of an object's condition: crop and full view of colour and mask, and of the pointmap."""
    registers = config.vit.registers if config.prenorm_features else 0
    images = 4 * (1 + registers + config.vit.patches)
    return images + (2 * config.points.patches if config.points is not None else 0)
