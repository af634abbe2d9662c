# Random numbers: the trace draws anew, so only runs from one state of the generator can be compared.
import torch
import torch.nn as nn
import torch.nn.functional as F


def noisy(x):
    return x + torch.randn_like(x) * 0.1


def random_rows(x):
    return x * torch.rand(x.size(0), 1)


def dropped(x):
    return F.dropout(x, p=0.5, training=True)


def shuffled(x):
    return x[torch.randperm(x.size(0))]


def fresh(x):
    return torch.rand(2, 3)


class Dropping(nn.Module):
    """In training mode, as every module begins."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(self.linear(x))
