# Channels to space (Shi et al., 2016), and back.
import torch
import torch.nn.functional as F
from torch import Tensor


class PixelShuffle(torch.nn.Module):
    __constants__ = ["upscale_factor"]

    def __init__(self, upscale_factor):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)
