# Traced by its method, a module's parameters would be constants; traced itself, they are its parameters.
import torch

linear = torch.nn.Linear(3, 2)


def by_method():
    return torch.jit.trace(linear.forward, torch.rand(1, 3))


def uses_linear(x):
    return linear(x)
