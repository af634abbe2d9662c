# The known issue: what a Sequential's submodules are given is taken for a Tensor; here it is a tuple.
from typing import Tuple

import torch
from torch import Tensor


class Split(torch.nn.Module):
    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        return x.relu(), x.neg().relu()


class Join(torch.nn.Module):
    def forward(self, parts: Tuple[Tensor, Tensor]) -> Tensor:
        return parts[0] - parts[1]


class JoinFirst(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(Join(), torch.nn.Tanh())

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.layers((x, y))


class Typed(torch.nn.Sequential):
    """The way out: a subclass whose forward says what comes in."""

    def forward(self, parts: Tuple[Tensor, Tensor]) -> Tensor:
        return self[1](self[0](parts))


class JoinTyped(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = Typed(Join(), torch.nn.Tanh())

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.layers((x, y))


whole = torch.nn.Sequential(Split(), Join())
