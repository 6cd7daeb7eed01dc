"""A surface of the view-aligned cube in its object frame, compared with the measured depth."""

from __future__ import annotations

import numpy as np

from ...geometry import SE3, Mesh, Sim3
from ...model.preprocess.cube import ViewCubes
from ...model.view_pose import ViewPoses
from ..alignment import AlignmentConfig
from ..finish import centre_mesh
from ..frame import Frame
from ..object_frame import to_object_frame
from ..observation import Observation
from ..registration import RegistrationConfig, register
from ..support import Support
from .placing import Placement


def cube_pose(cubes: ViewCubes) -> Sim3:
    """T_cam_cube of the first cube with its edge as scale: cube coordinates to metres of the optical frame."""
    T = cubes.T_cam_cube[0].double().cpu().numpy()
    rigid = SE3.from_rotation(_orthonormal(T[:3, :3]), T[:3, 3])
    return Sim3.from_se3(rigid, float(cubes.edge[0]))


def in_object_frame(surface: Mesh, T_cam_cube: Sim3, poses: ViewPoses, support: Support) -> tuple[Mesh, SE3]:
    """The surface of the cube in metres in its own frame, with the origin at the centre of its box, and T_cam_obj.

    What the object stands on says which way is up; the model is asked where nothing of that is seen.
    """
    if support.seen:
        p_stand = support.T_cam_stand.inverse().apply(T_cam_cube.apply(surface.vertices))
        return to_object_frame(Mesh(p_stand.astype(np.float32), surface.triangles, surface.vertex_colors), support)
    R_cube_obj = _orthonormal(poses.rotation[0].double().cpu().numpy())
    vertices = T_cam_cube.scale * (surface.vertices.astype(np.float64) @ R_cube_obj)
    mesh = Mesh(vertices.astype(np.float32), surface.triangles, surface.vertex_colors)
    return centre_mesh(mesh, T_cam_cube.without_scale() @ SE3.from_rotation(R_cube_obj, np.zeros(3)))


def judged(mesh: Mesh, T_cam_obj: SE3, T_cam_cube: Sim3, observation: Observation, frame: Frame) -> Placement:
    """The mesh where it lies, with what depth and mask say of that.

    Depth has placed the cube. To register the mesh as well would make errors of its shape errors of its pose: on true
    shapes bent by a voxel the distance from the truth grew by a tenth, and the object was turned by 2 to 6 degrees.
    """
    config = RegistrationConfig(alignment=AlignmentConfig(moves=False))
    return Placement(
        mesh,
        register(mesh, T_cam_obj, observation, frame.camera, depth=frame.pointmap[..., 2], config=config),
        T_cam_cube,
    )


def _orthonormal(matrix: np.ndarray) -> np.ndarray:
    """The rotation nearest to a matrix that is one but for rounding."""
    left, _, right = np.linalg.svd(matrix)
    return np.asarray(left @ right)
