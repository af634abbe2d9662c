# What is changed in place: tensors, views of them, and inputs.
import torch


def first_row_cleared(x):
    y = x.clone()
    y[0] = 0
    return y


def augmented(x):
    y = x.clone()
    y += 1
    y.mul_(2)
    y -= x
    return y


def written_through_a_view(x):
    y = x.clone()
    turned = y.t()
    turned[0] = 1
    turned[1].add_(5)
    return y


def negatives_cleared(x):
    y = x.clone()
    y[y < 0] = 0
    return y


def shifted_left(x):
    y = torch.zeros_like(x)
    y[:, :-1] = x[:, 1:]
    return y


def input_changed(x):
    x.add_(1)
    return x * 2


def put_by_index(x, index):
    y = x.clone()
    y[index] = 5.0
    return y


def column_by_column(x):
    y = x.clone()
    for i in range(y.size(1)):
        y[:, i] = y[:, i] * i
    return y


def filled_diagonal(x):
    y = x.clone()
    y.diagonal().fill_(9)
    return y, y.sum()


def accumulated(x):
    total = torch.zeros(x.size(1))
    for i in range(2):
        total += x[i]
    return total


def masked_scores(scores, mask):
    return scores.masked_fill(mask == 0, -1e9).softmax(-1)
