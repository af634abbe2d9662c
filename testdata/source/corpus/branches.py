# Branches: on values, on sizes, on dimensions, on arguments; returns before the end.
from typing import Optional

import torch


def double_if_positive(x):
    if x.sum() > 0:
        y = x * 2
    else:
        y = x - 1
    return y


def in_three_bands(x):
    mean = x.mean()
    if mean > 1:
        return x.clamp(max=1.0)
    elif mean > 0:
        return x.sqrt()
    else:
        return x.abs()


def early_return(x):
    if x.max() > 10:
        return torch.zeros_like(x)
    y = x * 3
    return y.cos()


def by_dimensions(x):
    if x.dim() == 2:
        x = x.unsqueeze(0)
    return x.sum(dim=1)


def by_length(x):
    if x.size(0) > 2:
        return x[:2] * 10
    return x


def signed(x, flip: bool = False):
    return -x if flip else x + 1


def shifted(x, y: Optional[torch.Tensor] = None):
    if y is not None:
        x = x + y
    return x * 2


def both_hold(x, y):
    if x.sum() > 0 and y.sum() > 0:
        return x * y
    return x + y


def either_holds(x, y):
    if not (x.sum() > 0 or y.sum() > 0):
        return x - y
    return x * y + 1


def guarded(x):
    if x.size(-1) % 2 != 0:
        raise ValueError("an even width is needed, not " + str(x.size(-1)))
    assert x.dim() >= 1, "no number alone"
    a, b = x.chunk(2, dim=-1)
    return a - b


def chosen_by_where(x):
    return torch.where(x > 0, x, x.exp() - 1)


def largest_first(x, y):
    if float(x.max()) > float(y.max()):
        return x, y
    return y, x
