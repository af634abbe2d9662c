# Tracing and scripting together: what was scripted keeps its control flow in a trace.
import torch
import torch.nn as nn


@torch.jit.script
def larger(x, y):
    if x.max() > y.max():
        r = x
    else:
        r = y
    return r


def calls_scripted(x, y, z):
    return larger(x, y) + z


@torch.jit.script
def summed_rows(x):
    total = torch.zeros_like(x[0])
    for i in range(x.size(0)):
        total += x[i]
    return total


def scripted_loop_inside(x):
    return summed_rows(x.relu()) * 2


def _mixed(x, y):
    return x * 2 + y


traced_mixed = torch.jit.trace(_mixed, (torch.rand(3), torch.rand(3)))


def calls_traced(x):
    return traced_mixed(x, x) - 1


@torch.jit.script
def scripted_calls_traced(x):
    if bool(x.sum() > 0):
        x = traced_mixed(x, x)
    return x


class Decision(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        else:
            return -x


class Cell(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = torch.jit.script(Decision())
        self.linear = nn.Linear(4, 4)

    def forward(self, x, h):
        new_h = torch.tanh(self.gate(self.linear(x)) + h)
        return new_h, new_h


class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = Cell()

    def forward(self, xs):
        h = torch.zeros(2, 4)
        y = h
        for i in range(xs.size(0)):
            y, h = self.cell(xs[i], h)
        return y, h


class Wrapped(nn.Module):
    def __init__(self):
        super().__init__()
        self.loop = torch.jit.script(Loop())

    def forward(self, xs):
        y, h = self.loop(xs)
        return torch.relu(y)
