"""What the layout stream learns in view-aligned cubes: where the object's own frame lies in the cube, and its size."""

from __future__ import annotations

from torch import Tensor

from ...model.pose import ROTATION_MEAN, ROTATION_STD
from ...model.structure import ROTATION


def layout_latents(T_cube_obj: Tensor, edge: Tensor, extents: Tensor) -> dict[str, Tensor]:
    """Layout latents [B, channels] of the object's pose in the cube.

    `T_cube_obj` [B, 4, 4] is rigid and in metres, `edge` [B] that of the cube, `extents` [B, 3] the object's box. As in
    the published layout, rotations serve row vectors: p_cube = p_obj Q, of which the first two columns are kept,
    standardised. Scales are logarithms of extents in edges; the scale of the translation is not used.
    """
    Q = T_cube_obj[:, :3, :3].transpose(1, 2)
    six = Q[:, :, :2].transpose(1, 2).flatten(1)  # [B, 6], one column after the other
    mean, std = (six.new_tensor(numbers) for numbers in (ROTATION_MEAN, ROTATION_STD))
    return {
        ROTATION: (six - mean) / std,
        "translation": T_cube_obj[:, :3, 3] / edge[:, None],
        "scale": (extents / edge[:, None]).log(),
        "translation_scale": six.new_zeros(len(six), 1),
    }
