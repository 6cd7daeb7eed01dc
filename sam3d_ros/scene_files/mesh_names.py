"""Names of the mesh files that URDF and MJCF share."""

from __future__ import annotations

from .body import SceneBody

MESH_FOLDER = "meshes"


def visual_name(body: SceneBody) -> str:
    """File of the coloured surface in the mesh folder, object frame."""
    return f"{body.name}.obj"


def part_names(body: SceneBody) -> list[str]:
    """Files of the collision parts in the mesh folder, object frame."""
    return [f"{body.name}_collision_{number}.obj" for number in range(len(body.parts))]
