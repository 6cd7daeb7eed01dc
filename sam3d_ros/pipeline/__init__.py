"""Frame and mask in, complete object out: preparation, backends, registration, quality. Imports no ROS."""

from .backend import Backend, Cancelled, CancelToken, Detail, Progress, ProgressCallback
from .frame import Detection, Frame, FrameError
from .result import Quality, Reconstruction, Rejection, RejectionReason

__all__ = [
    "Backend",
    "CancelToken",
    "Cancelled",
    "Detail",
    "Detection",
    "Frame",
    "FrameError",
    "Progress",
    "ProgressCallback",
    "Quality",
    "Reconstruction",
    "Rejection",
    "RejectionReason",
]
