# The four ways to tell the compiler of an attribute, and what it has no type for.
from typing import Dict, Final, List

import torch


class Kinds(torch.nn.Module):
    depth: Final[int]
    table: Dict[str, int]
    __constants__ = ["names"]

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(3))
        self.register_buffer("offset", torch.arange(3.0))
        self.depth = 2
        self.names = ["a", "b"]
        self.scale = 0.5
        self.table = {}

    def forward(self, x):
        for i in range(self.depth):
            x = x * self.weight + self.offset
        return x * self.scale + len(self.names) + len(self.table)


class Untyped(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mixed = [1, "two"]

    def forward(self, x):
        return x + len(self.mixed)


kinds = torch.jit.script(Kinds())
