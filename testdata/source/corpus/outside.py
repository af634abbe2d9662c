# What the subset leaves out. The file can still be read; each of these is refused when it is asked for.
import torch
import numpy


def with_lambda(x):
    square = lambda y: y * y
    return square(x) + 1


def with_try(x):
    try:
        return x + 1
    except RuntimeError:
        return x


def with_generator(x):
    yield x


def with_global(x):
    global counter
    counter = 1
    return x


def with_numpy(x):
    return x + numpy.ones(3)


def with_unknown_name(x):
    return x + undefined_name


def with_unknown_operator(x):
    return torch.no_such_operator(x)


class WithoutForward(torch.nn.Module):
    def __init__(self):
        super().__init__()


class WithMisspelled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linaer(2, 2)

    def forward(self, x):
        return self.layer(x)


def endless(x):
    for i in range(10000):
        x = x + 1
        x = x * 2
        x = x - 1
    return x
