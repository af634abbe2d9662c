# Loops: of a fixed number of turns, over sizes, over values, over the tensor itself.
import torch


def scaled_three_times(x):
    for i in range(3):
        x = x * 2 + i
    return x


def product_of_rows(x):
    result = x[0]
    for i in range(1, x.size(0)):
        result = result * x[i]
    return result


def running_sum(x):
    rows = []
    total = torch.zeros_like(x[0])
    for i in range(x.size(0)):
        total = total + x[i]
        rows.append(total)
    return torch.stack(rows)


def pairs(x):
    total = x.new_zeros(())
    for i in range(2):
        for j in range(3):
            total = total + x[i, j] * (i + 1) / (j + 1)
    return total


def doubled_until(x):
    while bool(x.sum() < 100):
        x = x * 2
    return x


def first_large_row(x):
    found = x[0]
    for i in range(x.size(0)):
        if bool(x[i].sum() > 1):
            found = x[i]
            break
    return found


def sum_of_positive_rows(x):
    total = torch.zeros_like(x[0])
    for i in range(x.size(0)):
        if bool(x[i].sum() < 0):
            continue
        total = total + x[i]
    return total


def scaled_by_fibonacci(x):
    a, b = 0, 1
    for _ in range(7):
        a, b = b, a + b
    return x * b


def rows_as_they_come(x):
    total = torch.zeros_like(x[0])
    for row in x:
        total = total * 0.5 + row
    return total


def weighted_columns(x):
    total = torch.zeros_like(x[:, 0])
    for i, weight in enumerate([0.5, 0.25, 0.25]):
        total = total + x[:, i] * weight
    return total


def halved_down_to_one(x):
    n = x.size(0)
    while n > 1:
        n = n // 2
        x = x[:n] + 1
    return x


def zipped(x, y):
    total = torch.zeros_like(x[0])
    for a, b in zip(x.unbind(0), y.unbind(0)):
        total = total + a * b
    return total


def counted_down(x):
    for i in range(4, 0, -2):
        x = x - i
    return x
