"""A frame and its objects as tensors for models whose cube is aligned with the view."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ...geometry.plane import Plane
from ...model.config import ObservedConfig, Sam3dConfig
from ...model.preprocess import colour_image
from ...model.preprocess.object_crop import coarse_color, coarse_picture, crop_picture, object_window
from ...model.preprocess.object_view import ObjectViews, Picture, object_views
from ..frame import Frame
from ..observation import Observation
from ..support import SUPPORT_DISTANCE, Support, find_scene_plane, find_support


@dataclass(frozen=True, slots=True, eq=False)
class ViewFrame:
    """What the masks of a frame share. Tokens of the full image are kept as soon as the first mask needed them."""

    frame: Frame
    color: Tensor  # [1, 3, H, W] 0-1
    coarse: Tensor  # [1, 3, h, w] the same in few pixels
    depth: Tensor  # [1, H, W] metres, 0 = none
    intrinsics: Tensor  # [1, 4] fx, fy, cx, cy
    plane: Plane | None  # on which most of what has no mask lies, in the optical frame
    full_tokens: dict[str, Tensor] = field(default_factory=dict)  # of the full colour image, by embedder

    @staticmethod
    def of(frame: Frame, device: torch.device) -> ViewFrame:
        """The frame on the device."""
        camera = frame.camera
        color = colour_image(torch.tensor(frame.color, device=device))[None]
        depth = np.nan_to_num(frame.pointmap[..., 2], nan=0.0, posinf=0.0, neginf=0.0)
        return ViewFrame(
            frame=frame,
            color=color,
            coarse=coarse_color(color),
            depth=torch.from_numpy(depth).to(device)[None],
            intrinsics=torch.tensor([[camera.fx, camera.fy, camera.cx, camera.cy]], dtype=torch.float32, device=device),
            plane=find_scene_plane(frame, distance=SUPPORT_DISTANCE, seed=0),
        )

    def views(self, observation: Observation, config: Sam3dConfig) -> ObjectViews:
        """Everything that a model of these sizes reads of one object.

        What was observed to lie on other things, or between things, counts as no reading. Raises PreprocessError for
        an empty mask.
        """
        mask = torch.from_numpy(observation.mask).to(self.depth.device)
        picture = Picture(self.color, self._depth_of(observation, mask)[None], mask[None], self.intrinsics)
        crop = crop_picture(picture, object_window(mask))
        size, observed = config.stage1_embedder.vit.image_size, config.geometry.observed or ObservedConfig()
        coarse = coarse_picture(picture, self.coarse)
        return object_views(crop, coarse, size=size, resolution=observed.resolution)

    def support(self, observation: Observation) -> Support:
        """What the object stands on."""
        return find_support(self.frame, observation, self.plane, distance=SUPPORT_DISTANCE)

    def _depth_of(self, observation: Observation, mask: Tensor) -> Tensor:
        """Depth [H, W] without the readings in the mask that do not lie on the object."""
        depth = self.depth[0].masked_fill(mask, 0.0)
        u, v = torch.from_numpy(observation.pixels).to(depth.device).long().unbind(dim=1)
        depth[v, u] = self.depth[0, v, u]
        return depth
