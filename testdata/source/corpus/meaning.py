# What Python means and TorchScript's compiler would take for something else: builtins over tensors, `and` and `or`,
# numbers before tensors, variables that change their type, methods that torch has in Python.
import math
from typing import Optional

import torch
import torch.nn.functional as F


def one_of_two(x):
    k = (x.dim() - 2) or 5
    return x * k + x * (1 and 0 or 3) + x * (x.dtype == torch.float32 and 2)


def rows_added_up(x):
    return sum(x) + sum([x[0], x[1] * 2]) + sum((x[0], 1), 2)


def largest_entries(x):
    return max(x[0]) + min([x[0, 0], x[1, 1]]) + max(1, 3, 2)


def smallest_extent(x):
    return x * min(x.shape) + math.prod(x.shape)


def number_first(x):
    return x[0, 0].item() * x + (2.5 // x) + (2 - x) + 2 / x + 5 % x


def true_first(x):
    return True * x + isinstance(x, torch.Tensor) * x + len("é") * x * isinstance(True, int)


def total_from_zero(x):
    total = 0
    for row in x:
        total = total + row
    return total


def none_at_first(x, target: Optional[torch.Tensor] = None):
    loss = None
    if target is not None:
        loss = (x - target).abs().sum()
    return x if loss is None else x * loss


def none_until_positive(x):
    bonus = None
    if x.sum() > 0:
        bonus = x * 2
    if bonus is not None:
        x = x + bonus.sum()
    return x


def norms(x):
    return x.norm(dim=-1).sum() + torch.norm(x, dim=1, keepdim=True) + x.norm() + torch.norm(x, 1)


def limits(x):
    return x.masked_fill(x.bool(), torch.finfo(x.dtype).min) + torch.iinfo(torch.int8).max


def sections(x):
    a, b = x.split([1, 2], dim=1)
    first, second = x
    return a.sum() + b.sum() + torch.split(x, 1)[0] + first - second


def spectrum(x):
    return torch.stft(x.reshape(-1), n_fft=4, return_complex=True).abs()


def updated_by_index(x):
    y = x.clone()
    y[0] *= 3
    y[:, 1:] += x[:, 1:]
    y[1] = 100.0
    return y


def numbered_rows(x):
    rows = [row * i for i, row in enumerate(x)]
    for a, b in zip(x, x * 2):
        rows.append(a + b)
    return torch.stack(rows), torch.stack(tuple(x))


def counted_elements(x):
    return x + x.shape.numel() + x.shape[:-1].numel() + x.nelement()


def padded_by_whole_number(x):
    return F.pad(x, (1, 1, 2, 0), "constant", 0)


def without_gradients(x):
    with torch.set_grad_enabled(False):
        y = x * 2
    with torch.autocast("cpu", enabled=False):
        return x @ y.t()


def numbers_of_math(x):
    return x * math.log2(8) + math.hypot(3, 4) + math.comb(5, 2) + round(2.675, 2) + x.size(0) ** 2


def unique_values(x):
    values, places = torch.unique(x, return_inverse=True)
    return values, places, torch.tensordot(x, x, dims=([1], [1])), torch.nonzero(x, as_tuple=True)[0]
