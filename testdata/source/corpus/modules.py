# Modules: layers, lists of them, buffers, constants, methods, shared parts.
import math
from typing import Dict, Final, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


class Perceptron(nn.Module):
    def __init__(self, width=4, hidden=8):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 2))

    def forward(self, x):
        return self.layers(x)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
        self.norm = nn.LayerNorm(4)

    def forward(self, x):
        for block in self.blocks:
            x = x + torch.tanh(block(x))
        return self.norm(x)


class Numbered(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList()
        for i in range(2):
            self.steps.append(nn.Linear(4, 4, bias=i == 0))

    def forward(self, x):
        for i, step in enumerate(self.steps):
            x = step(x) * (i + 1)
        return x


class Chosen(nn.Module):
    def __init__(self):
        super().__init__()
        self.paths = nn.ModuleDict({"small": nn.Linear(4, 2), "large": nn.Linear(4, 6)})

    def forward(self, x):
        return self.paths["small"](x), self.paths["large"](x)


class Positions(nn.Module):
    """Adds sines of the position to rows, as many as there are."""

    def __init__(self, width=4, longest=16):
        super().__init__()
        position = torch.arange(longest).unsqueeze(1)
        rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
        table = torch.zeros(longest, width)
        table[:, 0::2] = torch.sin(position * rate)
        table[:, 1::2] = torch.cos(position * rate)
        self.register_buffer("table", table)

    def forward(self, x):
        return x + self.table[: x.size(1)]


class Constants(nn.Module):
    turns: Final[int]
    __constants__ = ["factor"]

    def __init__(self):
        super().__init__()
        self.turns = 3
        self.factor = 0.5
        self.names = ["a", "b"]

    def forward(self, x):
        for _ in range(self.turns):
            x = x * self.factor + len(self.names)
        return x


class Direct(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3))
        self.bias = nn.Parameter(torch.zeros(3))
        self.scale = nn.Parameter(torch.ones(()), requires_grad=False)

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias) * self.scale


class Attention(nn.Module):
    def __init__(self, width=8, heads=2):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, x):
        return x.view(x.size(0), x.size(1), self.heads, -1).transpose(1, 2)

    def forward(self, x, mask: Optional[Tensor] = None):
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.size(-1))
        if mask is not None:
            scores = scores.masked_fill(mask[:, None, None, :] == 0, -1e4)
        mixed = scores.softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = Attention()
        self.norm1 = nn.LayerNorm(8)
        self.norm2 = nn.LayerNorm(8)
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Dropout(0.1), nn.Linear(16, 8))

    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


class TinyTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(20, 8, padding_idx=0)
        self.positions = Positions(8)
        self.blocks = nn.ModuleList([Block() for _ in range(2)])
        self.head = nn.Linear(8, 3)

    def forward(self, ids):
        x = self.positions(self.words(ids))
        for block in self.blocks:
            x = block(x)
        return self.head(x[:, 0])


tiny_transformer = TinyTransformer().eval()


class SharedTwice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.again = self.layer

    def forward(self, x):
        return self.again(self.layer(x))


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls = self.calls + 1
        return x * 2 + self.calls


class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("total", torch.zeros(3))

    def forward(self, x):
        self.total += x
        return self.total * 2


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 5, batch_first=True, bidirectional=True)
        self.head = nn.Linear(10, 2)

    def forward(self, x):
        output, (h, c) = self.lstm(x)
        return self.head(output[:, -1]), h, c


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 3, num_layers=2)

    def forward(self, x, h):
        return self.gru(x, h)


class ByHand(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(4, 3)

    def forward(self, x, state: Tuple[Tensor, Tensor]):
        h, c = state
        for i in range(x.size(0)):
            h, c = self.cell(x[i], (h, c))
        return h, (h, c)


class Image(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 6, (3, 1), stride=2, bias=False),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return F.log_softmax(self.head(self.features(x)), dim=1)


image = Image().eval()


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 2)
        self.b = nn.Linear(4, 3)

    def forward(self, x) -> Dict[str, Tensor]:
        return {"a": self.a(x), "b": self.b(x)}


class Base(nn.Module):
    scale = 2.0

    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, width)

    def transform(self, x):
        return self.layer(x) * self.scale

    def forward(self, x):
        return self.transform(x)


class Derived(Base):
    scale = 3.0

    def __init__(self):
        super().__init__(4)
        self.extra = nn.Linear(4, 4)

    def forward(self, x):
        return super().forward(x) + self.extra(x)


class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(4, 4)
        self.down = nn.Linear(4, 4)

    def forward(self, x):
        if x.sum() > 0:
            return self.up(x)
        return self.down(x)


class Router(nn.Module):
    def __init__(self):
        super().__init__()
        self.gates = nn.ModuleList([Gate(), Gate()])

    def forward(self, x):
        for gate in self.gates:
            x = gate(x)
        return x


class Fixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(torch.ones(2, 3))
