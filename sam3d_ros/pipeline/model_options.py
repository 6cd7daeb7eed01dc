"""What can be chosen of a learned model; imports no torch, so that everyone can name it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

GAUSSIANS = (0, 4, 32)  # per voxel

SHIPPED = Path(__file__).resolve().parents[1] / "weights" / "tiny"  # trained by this project

_DEVICE = re.compile(r"cpu|cuda(:\d+)?")
_HOW_TO_GET_WEIGHTS = (
    "`sam3d-ros weights import` makes one from the published checkpoints, `sam3d-ros train export` one from trained "
    "stages, `sam3d-ros weights random` an untrained one for measurements"
)


class OptionsError(ValueError):
    """A choice that cannot be used; the message names it, its value and what to do."""


class Sampling(str, Enum):
    """How the flows are integrated.

    FULL is the published path: classifier-free guidance, 25 steps in both stages (of the shipped model: 25 steps
    without guidance, for which it was not trained). FAST takes 4 steps without guidance: in stage 1 the distilled path,
    which tells the network its step size; in stage 2 merely few steps, because the published stage 2 knows no step size
    (one that our training distilled does, and is told). AUTO is FULL for the published model, FAST for small ones that
    were distilled, as the shipped one, and a single step, their regression, for small ones that were not: more steps
    make those no better.
    """

    AUTO = "auto"
    FULL = "full"
    FAST = "fast"


class Dtype(str, Enum):
    """Number format of the networks' large products.

    AUTO is float16 on a GPU, and on a CPU bfloat16 where that multiplies such matrices in hardware, else float32.
    """

    AUTO = "auto"
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"


class RegistrationMode(str, Enum):
    """How far a model's answer is settled against the measured depth.

    NONE leaves it as the model says, and only judges it. POSE settles size and pose; a shape predicted along the view
    has both from the depth already. SURFACE also lays the seen side of the finished mesh onto the depth.
    """

    NONE = "none"
    POSE = "pose"
    SURFACE = "surface"


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Weights, device and effort of a learned model."""

    weights: Path | None = None  # folder written by `sam3d-ros weights`; None: the one that the package ships
    device: str = "cpu"  # cpu, cuda or cuda:N
    dtype: Dtype = Dtype.AUTO
    sampling: Sampling = Sampling.AUTO
    steps: int = 0  # of each stage; 0 = what the sampling usually takes
    refine: bool = False  # small weights: by their second stage as well; the published ones always are
    gaussians: int = (
        0  # besides the mesh: 0, 4 for the light decoder, 32 for the full one (8 for each voxel when small)
    )
    memory_limit_mib: int = 0  # of the device, for weights and work together; 0 = all that is free
    candidates: int = 1  # answers from different seeds, of which the one with the highest score counts
    registration: RegistrationMode = RegistrationMode.SURFACE  # of what it says to the measured depth
    compile: bool = False  # torch.compile: faster after a slow first object

    def __post_init__(self) -> None:
        if not _DEVICE.fullmatch(self.device):
            raise OptionsError(f"device must be cpu, cuda or cuda:N, got {self.device!r}")
        if not 0 <= self.steps <= 1000:
            raise OptionsError(f"steps must lie in 0..1000, got {self.steps}")
        if self.gaussians not in GAUSSIANS:
            raise OptionsError(f"gaussians must be 0, 4 or 32, got {self.gaussians}")
        if not 1 <= self.candidates <= 64:
            raise OptionsError(f"candidates must lie in 1..64, got {self.candidates}")
        if self.memory_limit_mib < 0:
            raise OptionsError(f"memory_limit_mib must be 0 or more, got {self.memory_limit_mib}")

    @property
    def second_stage(self) -> bool:
        """Whether the second stage of small weights works: it was asked for, or makes the latents of Gaussians."""
        return self.refine or self.gaussians > 0

    def checked_weights(self) -> Path:
        """The folder of weights; raises OptionsError where there is none."""
        folder = SHIPPED if self.weights is None else self.weights
        if folder.is_dir():
            return folder
        missing = "this installation lacks the weights of the package" if self.weights is None else "no such folder"
        raise OptionsError(f"{folder}: {missing}. {_HOW_TO_GET_WEIGHTS}")
