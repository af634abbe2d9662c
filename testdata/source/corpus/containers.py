# Lists, tuples and dicts: made inside, taken in, given back.
from typing import Dict, List, Tuple

import torch
from torch import Tensor


def halves_swapped(x):
    parts = x.chunk(2, dim=1)
    return torch.cat([parts[1], parts[0]], dim=1)


def parts_by_name(x):
    parts = {"a": x, "b": x + 1}
    parts["c"] = parts["a"] * parts["b"]
    return parts["c"] - parts["b"]


def given_back_by_name(x):
    return {"mean": x.mean(0), "sum": x.sum(0)}


def given_back_as_list(x):
    return [x + 1, x + 2]


def nested_outputs(x, y):
    return x + y, (x - y, [x * y, x / (y.abs() + 1)])


def stacked_sum(xs: List[Tensor]):
    return torch.stack(xs).sum(0)


def total_of_all(xs: List[Tensor]):
    total = xs[0]
    for i in range(1, len(xs)):
        total = total + xs[i]
    return total


def looked_up(inputs: Dict[str, Tensor]):
    return inputs["left"] @ inputs["right"]


def swapped(pair: Tuple[Tensor, Tensor]):
    a, b = pair
    return b, a * 2


def nested_inputs(x, state: Tuple[Tensor, Tuple[Tensor, Tensor]]):
    hidden, (cell, gate) = state
    return x + hidden, cell * gate


def multiples(x):
    return torch.stack([x * i for i in range(3)])


def pushed_and_popped(x):
    stack = [x]
    stack.append(x + 1)
    stack.append(x + 2)
    last = stack.pop()
    stack.insert(0, last)
    return torch.cat(stack) * len(stack)


def sum_over_names(x):
    table = {"one": 1.0, "two": 2.0, "three": 3.0}
    total = torch.zeros_like(x)
    for name in table:
        total = total + x * table[name]
    return total


def min_and_max(x):
    smallest, where = x.min(dim=1)
    largest = x.max(dim=1)
    return smallest, where, largest.values, largest[1]


def sorted_pairs(x):
    values, order = torch.sort(x, dim=-1, descending=True)
    top = torch.topk(x, 2, dim=-1)
    return values, order, top[0]
