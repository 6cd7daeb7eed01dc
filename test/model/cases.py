"""Inputs of the parity tests, by name: what went into the original to make the golden files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from seeded import seeded, seeded_state, seeded_uniform
from torch import Tensor


def holed(pointmap: Tensor, name: str, *, share: float = 0.1) -> Tensor:
    """A pointmap [..., 3, H, W] with NaN in some pixels, in all coordinates."""
    holes = seeded_uniform(f"{name}.holes", *pointmap.shape[-2:]) < share
    return torch.where(holes, torch.nan, pointmap)


def embedder_inputs(size: int = 56) -> dict[str, Tensor]:
    """All six inputs of the embedders; the pointmaps have holes, zeros and a NaN border, as after a crop."""
    images = {name: seeded_uniform(name, 1, 3, size, size) for name in ("image", "rgb_image")}
    masks = {name: (seeded_uniform(name, 1, 1, size, size) > 0.5).float() for name in ("mask", "rgb_image_mask")}
    crop = holed(seeded("pointmap", 1, 3, size, size), "pointmap")
    crop[..., : size // 8] = torch.nan
    crop[..., -(size // 8) :, :] = 0
    full = holed(seeded("rgb_pointmap", 1, 3, size, size), "rgb_pointmap")
    return images | masks | {"pointmap": crop, "rgb_pointmap": full}


EMBED_INPUTS = embedder_inputs()

# Name, 1000 t, 1000 d (None: no step size is told).
GEOMETRY_TIMES = (
    ("no_step", 137.5, None),
    ("step_0", 137.5, 0.0),
    ("step_1", 500.0, 1000.0),
    ("step_quarter", 0.0, 250.0),
)


def geometry_latents(batch: int, *, grid: int = 4, channels: int = 8, salt: str = "") -> dict[str, Tensor]:
    """The five latents of stage 1, as noise."""
    widths = {"6drotation_normalized": 6, "scale": 3, "translation": 3, "translation_scale": 1}
    latents = {name: seeded(f"{salt}noise.{name}", batch, 1, width) for name, width in widths.items()}
    return latents | {"shape": seeded(f"{salt}noise.shape", batch, grid**3, channels)}


def geometry_condition(batch: int, *, tokens: int = 30, width: int = 48, salt: str = "") -> Tensor:
    """Condition tokens of stage 1, [batch, tokens, width]."""
    return seeded(f"{salt}condition", batch, tokens, width)


def refinement_noise(count: int, *, channels: int = 8, salt: str = "") -> Tensor:
    """Noise of stage 2, [1, count, channels]."""
    return seeded(f"{salt}noise.slat", 1, count, channels)


def refinement_condition(batch: int, *, tokens: int = 25, width: int = 48, salt: str = "") -> Tensor:
    """Condition tokens of stage 2, [batch, tokens, width]."""
    return seeded(f"{salt}condition.slat", batch, tokens, width)


def structure_latent(grid: int = 4, channels: int = 8) -> Tensor:
    """Shape latent, [1, grid**3, channels]."""
    return seeded("structure.latent", 1, grid**3, channels)


def occupancy_logits(grid: int = 20) -> Tensor:
    """A noisy ellipsoid of full and empty voxels, [1, 1, grid, grid, grid], longer along x than along z."""
    axis = torch.arange(grid) - grid / 2 + 0.5
    x, y, z = torch.meshgrid(axis / 8.7, axis / 6.2, axis / 4.4, indexing="ij")
    noise = 0.05 * seeded("occupancy", grid, grid, grid)
    return (1 - (x * x + y * y + z * z) + noise)[None, None]


def decoder_slat(count: int, *, channels: int = 8, salt: str = "") -> Tensor:
    """Structured latent, [count, channels]."""
    return seeded(f"{salt}decoder.slat", count, channels)


SURFACES = ("random", "ball", "patches")


def surface_case(name: str) -> tuple[Tensor, Tensor, int]:
    """Cubes [N, 4], their raw channels [N, 101] and the cubes along an edge of the grid.

    `random` has signs at random: every configuration, also the ambiguous ones; `ball` is a closed surface; `patches`
    ends within the grid and at its border: cubes outside the active set take part.
    """
    cubes = {"random": 8, "ball": 16, "patches": 8}[name]
    axis = torch.arange(cubes)
    if name == "random":
        axis = axis[2:6]
    xyz = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3)
    if name == "ball":
        away = (xyz + 0.5 - cubes / 2).norm(dim=1)
        xyz = xyz[(away > 3.2) & (away < 6.8)]
    if name == "patches":
        xyz = xyz[seeded_uniform("patches.active", len(xyz)) < 0.35]
    coords = torch.cat([torch.zeros(len(xyz), 1), xyz], dim=1).int()
    return coords, _raw_channels(name, xyz, cubes), cubes


def _raw_channels(name: str, xyz: Tensor, cubes: int) -> Tensor:
    """Channels at random; those of the signed distance describe the surface that the case is named after."""
    raw = seeded(f"surface.{name}", len(xyz), 101)
    if name == "ball":
        corners = torch.tensor([[j & 1, j >> 1 & 1, j >> 2 & 1] for j in range(8)])
        away = (xyz[:, None] + corners - cubes / 2).norm(dim=2)  # [N, 8]
        raw[:, :8] = 0.3 * (away - 5.1) + 0.02 * raw[:, :8]
    return raw


FRAMES = ("inside", "border", "upright", "soft", "coarse")


def frame_case(name: str) -> tuple[Tensor, Tensor, Tensor]:
    """Colour uint8 [H, W, 3], mask uint8 [H, W] of 0 and 255, pointmap [H, W, 3] in PyTorch3D axes with holes.

    `border` has the object at two borders of a wide image, `upright` an elongated one in a high image; `soft` has mask
    values between 0 and 255, `coarse` a pointmap of fewer pixels than the image.
    """
    height, width = {"inside": (60, 84), "border": (45, 70), "upright": (83, 50), "soft": (48, 48), "coarse": (60, 84)}[
        name
    ]
    color = (255 * seeded_uniform(f"{name}.color", height, width, 3)).to(torch.uint8)
    v, u = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    centre_v, centre_u, half_v, half_u = {
        "inside": (31, 40, 11.3, 16.1),
        "border": (3, 65, 14.2, 11.4),
        "upright": (41, 22, 33.0, 9.5),
        "soft": (20, 27, 12.0, 9.0),
        "coarse": (33, 50, 12.0, 14.0),
    }[name]
    inside = ((v - centre_v) / half_v) ** 2 + ((u - centre_u) / half_u) ** 2 < 1
    mask = torch.where(inside, 255, 0).to(torch.uint8)
    if name == "soft":
        mask = torch.where(inside, (60 + 195 * seeded_uniform("soft.mask", height, width)), 0).to(torch.uint8)
    depth = 0.9 - 0.2 * inside + 0.003 * v + 0.02 * seeded(f"{name}.depth", height, width)
    points = torch.stack([-(u - width / 2) * depth / 60, -(v - height / 2) * depth / 60, depth])  # [3, H, W]
    if name == "coarse":
        points = points[:, ::2, ::3]
    return color, mask, holed(points, name).permute(1, 2, 0).contiguous()


NORMALISER_CASES = ("holes", "even", "half_valid", "object_unknown", "other_size")


def normaliser_case(name: str) -> tuple[Tensor, Tensor]:
    """Pointmap [3, H, W] and mask [1, H, W].

    `even` has an even count of object pixels, `half_valid` pixels with NaN in one coordinate alone, `object_unknown` no
    finite point under the mask, `other_size` a mask of another size than the pointmap.
    """
    points = seeded(f"{name}.points", 3, 24, 31) + torch.tensor([0.2, -0.4, 2.5])[:, None, None]
    mask = torch.zeros(1, 24, 31)
    mask[:, 5:16, 7:18] = 1
    if name == "even":
        mask[:, 5, 7] = 0
        return points, mask
    if name == "half_valid":
        points[1, 8:12, 9:14] = torch.nan
    if name == "object_unknown":
        points[:, mask[0] > 0] = torch.nan
    if name == "other_size":
        mask = (seeded_uniform("other_size.mask", 1, 50, 43) > 0.6).float()
    return holed(points, name), mask


def pose_latents(index: int) -> dict[str, Tensor]:
    """Layout latents [1, 1, C] of one object."""
    widths = {"6drotation_normalized": 6, "scale": 3, "translation": 3, "translation_scale": 1}
    return {name: seeded(f"pose.{index}.{name}", 1, 1, width) for name, width in widths.items()}


def pose_space(index: int) -> tuple[Tensor, Tensor]:
    """Scale (one number three times) and shift of a pointmap, [1, 3] each."""
    scale = 0.2 + seeded_uniform(f"pose.{index}.space", 1, 1).expand(1, 3)
    return scale.contiguous(), seeded(f"pose.{index}.shift", 1, 3)


def published_state(shapes: Mapping[str, Mapping[str, Sequence[int]]]) -> dict[str, dict[str, Tensor]]:
    """Seeded state dicts of published files, from the shapes of their keys.

    The occupancy is shifted, so that few voxels are occupied, as in an object.
    """
    states = {stem: seeded_state(keys, salt=f"{stem}:") for stem, keys in shapes.items()}
    states["ss_decoder"]["out_layer.2.bias"] = states["ss_decoder"]["out_layer.2.bias"] - 1.64
    return states
