"""A triangle mesh whose colours are in a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .mesh import Mesh


@dataclass(frozen=True, slots=True, eq=False)
class TexturedMesh:
    """A mesh in the object frame with a texture; its vertices keep their colours, and it stays closed at seams."""

    mesh: Mesh
    uv: NDArray[np.float32]  # [U, 2] 0-1, u to the right, v down, from the outer corner of the first texel
    uv_triangles: NDArray[np.int32]  # [T, 3] texture coordinate of each corner of each triangle
    texture: NDArray[np.uint8]  # [H, W, 3] sRGB

    def __post_init__(self) -> None:
        object.__setattr__(self, "uv", np.ascontiguousarray(self.uv, np.float32))
        object.__setattr__(self, "uv_triangles", np.ascontiguousarray(self.uv_triangles, np.int32))
        object.__setattr__(self, "texture", np.ascontiguousarray(self.texture, np.uint8))
        if self.uv.ndim != 2 or self.uv.shape[1] != 2 or not np.isfinite(self.uv).all():
            raise ValueError(f"uv must hold finite numbers of shape [U, 2], got {list(self.uv.shape)}")
        if self.texture.ndim != 3 or self.texture.shape[2] != 3 or not self.texture.size:
            raise ValueError(f"texture must have shape [H, W, 3], got {list(self.texture.shape)}")
        corners, expected = self.uv_triangles, self.mesh.triangles.shape
        if corners.shape != expected:
            raise ValueError(f"uv_triangles must have shape {list(expected)}, got {list(corners.shape)}")
        if len(corners) and not 0 <= corners.min() <= corners.max() < len(self.uv):
            raise ValueError(f"uv_triangles point outside the {len(self.uv)} texture coordinates")

    def split_at_seams(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For formats with one texture coordinate per vertex: each used pair of vertex and coordinate, [N, 2], and the
        pair of each corner, [T, 3]."""
        used = np.stack([self.mesh.triangles.reshape(-1), self.uv_triangles.reshape(-1)], axis=1).astype(np.int64)
        pairs, corners = np.unique(used, axis=0, return_inverse=True)
        return pairs, corners.reshape(-1, 3)


def texels(texture: NDArray[np.uint8], uv: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours [..., 3] of the texels in which texture coordinates [..., 2] lie."""
    height, width = texture.shape[:2]
    column = np.clip(np.floor(uv[..., 0] * width), 0, width - 1).astype(np.int64)
    row = np.clip(np.floor(uv[..., 1] * height), 0, height - 1).astype(np.int64)
    colors: NDArray[np.uint8] = texture[row, column]
    return colors
