"""Convolutions of dense volumes, quick for a single object on a CPU too."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class VolumeConvolution(nn.Conv3d):
    """As nn.Conv3d, with the same names of weights and the same answers.

    For small float32 volumes of batch 1 torch takes a loop of its own on the CPU, which needs two to six times as long
    as oneDNN does. Where no gradient is asked for, oneDNN is called directly.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        wanted = input.device.type == "cpu" and input.dtype == weight.dtype == torch.float32
        if not wanted or torch.is_grad_enabled() or not torch.backends.mkldnn.is_available():
            answer: Tensor = super()._conv_forward(input, weight, bias)
            return answer
        steps = (self.padding, self.stride, self.dilation)
        quick: Tensor = torch.ops.aten.mkldnn_convolution(input, weight, bias, *map(list, steps), self.groups)
        return quick
