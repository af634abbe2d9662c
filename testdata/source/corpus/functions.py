# Functions that call functions; constants around them; annotations and defaults.
import math
from typing import List, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor

SCALE = 0.5
OFFSETS = [1, 2, 4]
TABLE = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def attention(q, k, v):
    scores = torch.einsum("bqd,bkd->bqk", q, k) / math.sqrt(q.size(-1))
    return torch.einsum("bqk,bkd->bqd", F.softmax(scores, dim=-1), v)


def matrix_products(x, y):
    return x @ y + torch.matmul(x, y) - torch.mm(x, y).relu()


def with_constants(x):
    for offset in OFFSETS:
        x = x * SCALE + offset
    return x + math.pi


def with_table(x):
    return x + TABLE


def with_new_tensor(x):
    return x * torch.tensor([1.0, 2.0, 3.0])


def typed_by_comment(x, y):
    # type: (Tensor, Tensor) -> Tensor
    return x + y * 2


def with_default(x, n: int = 3, scale: float = 0.25):
    for i in range(n):
        x = x + i * scale
    return x


def _normalised(x: Tensor, eps: float = 1e-5) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    variance = x.var(-1, keepdim=True, unbiased=False)
    return (x - mean) / torch.sqrt(variance + eps)


def _twice(x):
    return _normalised(x) * 2


def calls_helpers(x):
    return _twice(x) + _normalised(x, eps=1.0)


def _extent(x) -> Tuple[Tensor, Tensor]:
    return x.min(), x.max()


def rescaled(x):
    low, high = _extent(x)
    return (x - low) / (high - low)


def sizes_of(x: Tensor, dims: List[int]) -> List[int]:
    return [x.size(d) for d in dims]


def grid(x):
    rows, columns = sizes_of(x, [0, 1])
    return x.reshape(columns, rows)


def converted(x):
    return x.to(torch.int64).float() + x.long() + x.double().to(x.dtype)


def logic(x, y):
    return (x > 0) & (y > 0) | ~(x < y)


def gathered(x, index):
    return x.gather(1, index) + x.index_select(0, torch.tensor([0, 0])).sum()


def activations(x):
    return F.gelu(x) + F.leaky_relu(x, 0.2) + F.silu(x) + F.elu(x) + F.softplus(x)


def normalised(x):
    return F.normalize(x, dim=-1) + F.layer_norm(x, (4,))


def keyword_arguments(x):
    return torch.sum(input=x, dim=1, keepdim=True) + x.mean(dim=(0, 1))


def with_f_string(x):
    name = f"rows: {x.dim()}"
    assert len(name) > 3, f"too short: {name}"
    return x * len(name)
