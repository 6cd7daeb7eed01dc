"""A new mesh of a known object under the old frame: what hangs on the object's pose sees no jump."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..geometry import SE3, Sim3
from ..geometry.lie import skew
from ..pipeline import Reconstruction


def in_frame_of(answer: Reconstruction, T_cam_obj: SE3) -> Reconstruction:
    """The same surface at the same place, with the object frame at `T_cam_obj`, camera optical frame.

    The frame's origin is then where it was, and no longer exactly at the centre of the new mesh's box. A pose error
    turns the object about its origin (`Registration`), so the covariance is that of the other origin.
    """
    T_old_new = T_cam_obj.inverse() @ answer.T_cam_obj
    lever = T_cam_obj.translation_xyz - answer.T_cam_obj.translation_xyz
    jacobian = np.eye(6)
    jacobian[:3, 3:] = -skew(lever)
    gaussians = answer.gaussians
    return replace(
        answer,
        mesh=answer.mesh.transformed(T_old_new),
        gaussians=None if gaussians is None else gaussians.transformed(Sim3.from_se3(T_old_new)),
        T_cam_obj=T_cam_obj,
        covariance=jacobian @ answer.covariance @ jacobian.T,
    )
