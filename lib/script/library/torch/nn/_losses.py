# The losses of torch.nn.functional.
from typing import Optional

import torch
from torch import Tensor


# The number that operators take for a reduction.
def _reduction_number(reduction: str) -> int:
    if reduction == "none":
        return 0
    if reduction == "mean":
        return 1
    if reduction == "sum":
        return 2
    raise ValueError(reduction + " is not a valid value for reduction")


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    ignore_index: int = -100,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0
) -> Tensor:
    number = _reduction_number(reduction)
    return torch.cross_entropy_loss(input, target, weight, number, ignore_index, label_smoothing)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    ignore_index: int = -100,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    return torch.nll_loss_nd(input, target, weight, _reduction_number(reduction), ignore_index)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    expanded = torch.broadcast_tensors(input, target)
    return torch.mse_loss(expanded[0], expanded[1], _reduction_number(reduction))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    expanded = torch.broadcast_tensors(input, target)
    return torch.l1_loss(expanded[0], expanded[1], _reduction_number(reduction))


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    beta: float = 1.0
) -> Tensor:
    expanded = torch.broadcast_tensors(input, target)
    return torch.smooth_l1_loss(expanded[0], expanded[1], _reduction_number(reduction), beta)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    return torch.binary_cross_entropy(input, target, weight, _reduction_number(reduction))


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    pos_weight: Optional[Tensor] = None
) -> Tensor:
    number = _reduction_number(reduction)
    return torch.binary_cross_entropy_with_logits(input, target, weight, pos_weight, number)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    log_target: bool = False
) -> Tensor:
    if reduction == "batchmean":
        result = torch.kl_div(input, target, 2, log_target=log_target)
        if input.dim() != 0:
            result = result / input.size(0)
        return result
    return torch.kl_div(input, target, _reduction_number(reduction), log_target=log_target)
