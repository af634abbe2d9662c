# The losses of torch.nn.functional.
import math
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


# A loss for each element, weighted; the mean is by the weights' sum.
def _weighted_mean(losses: Tensor, weight: Tensor, reduction: str) -> Tensor:
    weighted = losses * weight
    if reduction == "none":
        return weighted
    if reduction == "sum":
        return torch.sum(weighted)
    if reduction == "mean":
        return torch.sum(weighted) / torch.sum(weight)
    raise ValueError(reduction + " is not a valid value for reduction")


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    weight: Optional[Tensor] = None
) -> Tensor:
    expanded = torch.broadcast_tensors(input, target)
    if weight is not None:
        return _weighted_mean(torch.pow(expanded[0] - expanded[1], 2), weight, reduction)
    return torch.mse_loss(expanded[0], expanded[1], _reduction_number(reduction))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    weight: Optional[Tensor] = None
) -> Tensor:
    expanded = torch.broadcast_tensors(input, target)
    if weight is not None:
        return _weighted_mean(torch.abs(expanded[0] - expanded[1]), weight, reduction)
    return torch.l1_loss(expanded[0], expanded[1], _reduction_number(reduction))


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Optional[Tensor] = None
) -> Tensor:
    expanded = torch.broadcast_tensors(input, target)
    if weight is None:
        return torch.huber_loss(expanded[0], expanded[1], _reduction_number(reduction), delta)
    losses = torch.huber_loss(expanded[0], expanded[1], 0, delta) * weight
    if reduction == "none":
        return losses
    if reduction == "sum":
        return torch.sum(losses)
    return losses.mean()


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean",
    beta: float = 1.0
) -> Tensor:
    expanded = torch.broadcast_tensors(input, target)
    if beta == 0.0:
        return torch.l1_loss(expanded[0], expanded[1], _reduction_number(reduction))
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


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Optional[bool] = None,
    eps: float = 1e-8,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    return torch.poisson_nll_loss(input, target, log_input, full, eps, _reduction_number(reduction))


# `var` has the sizes of the input, or a 1 in place of the last, or lacks that.
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    if var.dim() + 1 == input.dim():
        var = torch.unsqueeze(var, -1)
    var = var.clone()
    with torch.no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (torch.log(var) + (input - target) ** 2 / var)
    if full:
        loss += 0.5 * math.log(2 * math.pi)
    return _reduced(loss, reduction)


def _reduced(loss: Tensor, reduction: str) -> Tensor:
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ValueError(reduction + " is not a valid value for reduction")


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    return torch.margin_ranking_loss(input1, input2, target, margin, _reduction_number(reduction))


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    return torch.hinge_embedding_loss(input, target, margin, _reduction_number(reduction))


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    return torch.cosine_embedding_loss(input1, input2, target, margin, _reduction_number(reduction))


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    return torch.soft_margin_loss(input, target, _reduction_number(reduction))


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    return torch.multilabel_margin_loss(input, target, _reduction_number(reduction))


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    loss = -(target * torch.log_sigmoid(input) + (1 - target) * torch.log_sigmoid(-input))
    if weight is not None:
        loss = loss * weight
    count = input.size(input.dim() - 1)
    return _reduced(loss.sum(dim=input.dim() - 1) / count, reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Optional[Tensor] = None,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    return torch.multi_margin_loss(input, target, p, margin, weight, _reduction_number(reduction))


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Optional[bool] = None,
    reduce: Optional[bool] = None,
    reduction: str = "mean"
) -> Tensor:
    number = _reduction_number(reduction)
    return torch.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, number)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False
) -> Tensor:
    number = _reduction_number(reduction)
    return torch.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, number, zero_infinity)
