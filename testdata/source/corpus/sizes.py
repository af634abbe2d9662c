# Arithmetic on sizes. Those that stay symbolic fit every size; those that become numbers fit one.
import torch


def flattened(x):
    return x.view(x.size(0), -1)


def split_heads(x):
    batch, length, width = x.shape
    return x.view(batch, length, 2, width // 2).transpose(1, 2)


def joined_heads(x):
    b, h, n, d = x.size()
    return x.transpose(1, 2).reshape(b, n, h * d)


def with_positions(x):
    positions = torch.arange(x.size(1))
    return x + positions.unsqueeze(0)


def mean_over_rows(x):
    return x.sum(0) / x.size(0)


def causal(scores):
    n = scores.size(-1)
    mask = torch.ones(n, n).tril()
    return scores.masked_fill(mask == 0, float("-inf")).softmax(dim=-1)


def with_zero_column(x):
    return torch.cat([x, torch.zeros(x.size(0), 1)], dim=1)


def front_half(x):
    return x[: x.size(0) // 2]


def last_column(x):
    return x[:, x.size(1) - 1]


def counted(x):
    return x * x.numel() + len(x) - x.shape[-1]


def padded_to_eight(x):
    missing = 8 - x.size(-1)
    return torch.cat([x, x.new_zeros(x.size(0), missing)], dim=-1)


def repeated_to_length(x, like):
    return x.expand(like.size(0), -1) + like.new_full((like.size(0), 1), 0.5)


def square_of_longest(x):
    n = max(x.size(0), x.size(1))
    square = torch.zeros(n, n)
    square[: x.size(0), : x.size(1)] = x
    return square


def scaled_by_width(x):
    return x / x.size(-1) ** 0.5


def by_value(x):
    return x * int(x.max())


def rolled(x):
    n = x.size(0)
    index = (torch.arange(n) + 1) % n
    return x[index]
