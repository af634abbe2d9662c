# Images made larger.
from typing import List, Optional

import torch
import torch.nn.functional as F
from torch import Tensor


class Upsample(torch.nn.Module):
    __constants__ = ["mode", "align_corners"]
    size: Optional[List[int]]
    scale_factor: Optional[List[float]]

    # `size` and `scale_factor` are a number for both dimensions or one for each.
    def __init__(self, size=None, scale_factor=None, mode="nearest", align_corners=None):
        super().__init__()
        dims = 1 if mode == "linear" else 2
        if isinstance(size, int):
            size = [size for i in range(dims)]
        elif size is not None:
            size = list(size)
        if isinstance(scale_factor, (int, float)):
            scale_factor = [float(scale_factor) for i in range(dims)]
        elif scale_factor is not None:
            scale_factor = [float(factor) for factor in scale_factor]
        self.size = size
        self.scale_factor = scale_factor
        self.mode = mode
        self.align_corners = align_corners

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(input, self.size, self.scale_factor, self.mode, self.align_corners)
