"""A frame as tensors, and what its masks share."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...geometry.conventions import pytorch3d_from_optical
from ...model.preprocess import ModelInputs, colour_image, model_inputs
from ..frame import Frame


@dataclass(frozen=True, slots=True, eq=False)
class PreparedFrame:
    """What the masks of a frame share. Tokens of the full image are kept as soon as the first mask needed them."""

    frame: Frame
    image: Tensor  # [3, H, W] colour 0-1
    pointmap: Tensor  # [3, H, W] PyTorch3D camera axes, metres, NaN where nothing was measured
    full_tokens: dict[str, Tensor] = field(default_factory=dict)  # of the full colour image, by embedder

    @staticmethod
    def of(frame: Frame, device: torch.device) -> PreparedFrame:
        """The frame on the device; this is the one place where the optical frame is left."""
        pointmap = pytorch3d_from_optical(frame.pointmap)
        return PreparedFrame(
            frame=frame,
            image=colour_image(torch.tensor(frame.color, device=device)),
            pointmap=torch.from_numpy(pointmap).permute(2, 0, 1).to(device),
        )

    def inputs(self, label: int, size: int) -> ModelInputs:
        """Everything that the embedders read of one object, at their image size.

        Raises PreprocessError for a mask that is empty or less than 3 pixels wide.
        """
        mask = torch.from_numpy(self.frame.labels == label).to(self.image)[None]  # [1, H, W] of 0 and 1
        return model_inputs(self.image, mask, self.pointmap, size=size)
