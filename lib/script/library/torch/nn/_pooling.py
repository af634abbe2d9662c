# Pooling of torch.nn.functional, as far as an operator of the same name and arguments does not do.
#
# With return_indices a function gives two tensors instead of one, which a traced program can do and a compiled one
# cannot: there it is the function …_with_indices.
from typing import List, Optional, Tuple

import torch
from torch import Tensor
from torch._jit_internal import BroadcastingList1, BroadcastingList2, BroadcastingList3


def _refuse_indices(return_indices: bool):
    if return_indices:
        raise NotImplementedError("return_indices in a compiled function: call the function …_with_indices")


def max_pool1d_with_indices(
    input: Tensor,
    kernel_size: BroadcastingList1[int],
    stride: Optional[BroadcastingList1[int]] = None,
    padding: BroadcastingList1[int] = 0,
    dilation: BroadcastingList1[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False
) -> Tuple[Tensor, Tensor]:
    if stride is None:
        return torch.max_pool1d_with_indices(input, kernel_size, [], padding, dilation, ceil_mode)
    return torch.max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(
    input: Tensor,
    kernel_size: BroadcastingList2[int],
    stride: Optional[BroadcastingList2[int]] = None,
    padding: BroadcastingList2[int] = 0,
    dilation: BroadcastingList2[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False
) -> Tuple[Tensor, Tensor]:
    if stride is None:
        return torch.max_pool2d_with_indices(input, kernel_size, [], padding, dilation, ceil_mode)
    return torch.max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(
    input: Tensor,
    kernel_size: BroadcastingList3[int],
    stride: Optional[BroadcastingList3[int]] = None,
    padding: BroadcastingList3[int] = 0,
    dilation: BroadcastingList3[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False
) -> Tuple[Tensor, Tensor]:
    if stride is None:
        return torch.max_pool3d_with_indices(input, kernel_size, [], padding, dilation, ceil_mode)
    return torch.max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)


def _max_pool1d(
    input: Tensor,
    kernel_size: BroadcastingList1[int],
    stride: Optional[BroadcastingList1[int]] = None,
    padding: BroadcastingList1[int] = 0,
    dilation: BroadcastingList1[int] = 1,
    ceil_mode: bool = False
) -> Tensor:
    if stride is None:
        return torch.max_pool1d(input, kernel_size, [], padding, dilation, ceil_mode)
    return torch.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)


def _max_pool2d(
    input: Tensor,
    kernel_size: BroadcastingList2[int],
    stride: Optional[BroadcastingList2[int]] = None,
    padding: BroadcastingList2[int] = 0,
    dilation: BroadcastingList2[int] = 1,
    ceil_mode: bool = False
) -> Tensor:
    if stride is None:
        return torch.max_pool2d(input, kernel_size, [], padding, dilation, ceil_mode)
    return torch.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def _max_pool3d(
    input: Tensor,
    kernel_size: BroadcastingList3[int],
    stride: Optional[BroadcastingList3[int]] = None,
    padding: BroadcastingList3[int] = 0,
    dilation: BroadcastingList3[int] = 1,
    ceil_mode: bool = False
) -> Tensor:
    if stride is None:
        return torch.max_pool3d(input, kernel_size, [], padding, dilation, ceil_mode)
    return torch.max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool1d(
    input: Tensor,
    kernel_size: BroadcastingList1[int],
    stride: Optional[BroadcastingList1[int]] = None,
    padding: BroadcastingList1[int] = 0,
    dilation: BroadcastingList1[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False
):
    if torch.jit.is_scripting():
        _refuse_indices(return_indices)
        return _max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)
    else:
        if return_indices:
            return max_pool1d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
        else:
            return _max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d(
    input: Tensor,
    kernel_size: BroadcastingList2[int],
    stride: Optional[BroadcastingList2[int]] = None,
    padding: BroadcastingList2[int] = 0,
    dilation: BroadcastingList2[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False
):
    if torch.jit.is_scripting():
        _refuse_indices(return_indices)
        return _max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)
    else:
        if return_indices:
            return max_pool2d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
        else:
            return _max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(
    input: Tensor,
    kernel_size: BroadcastingList3[int],
    stride: Optional[BroadcastingList3[int]] = None,
    padding: BroadcastingList3[int] = 0,
    dilation: BroadcastingList3[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False
):
    if torch.jit.is_scripting():
        _refuse_indices(return_indices)
        return _max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)
    else:
        if return_indices:
            return max_pool3d_with_indices(input, kernel_size, stride, padding, dilation, ceil_mode)
        else:
            return _max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode)


# Sizes of which one may be None: that of the input.


def _sizes2(input: Tensor, output_size):
    if isinstance(output_size, int):
        return [output_size, output_size]
    else:
        height = output_size[0]
        width = output_size[1]
        if height is None:
            height = input.size(input.dim() - 2)
        if width is None:
            width = input.size(input.dim() - 1)
        return [height, width]


def _sizes3(input: Tensor, output_size):
    if isinstance(output_size, int):
        return [output_size, output_size, output_size]
    else:
        depth = output_size[0]
        height = output_size[1]
        width = output_size[2]
        if depth is None:
            depth = input.size(input.dim() - 3)
        if height is None:
            height = input.size(input.dim() - 2)
        if width is None:
            width = input.size(input.dim() - 1)
        return [depth, height, width]


def adaptive_avg_pool2d(input: Tensor, output_size: BroadcastingList2[int]) -> Tensor:
    if torch.jit.is_scripting():
        return torch.adaptive_avg_pool2d(input, output_size)
    else:
        return torch.adaptive_avg_pool2d(input, _sizes2(input, output_size))


def adaptive_avg_pool3d(input: Tensor, output_size: BroadcastingList3[int]) -> Tensor:
    if torch.jit.is_scripting():
        return torch.adaptive_avg_pool3d(input, output_size)
    else:
        return torch.adaptive_avg_pool3d(input, _sizes3(input, output_size))


def adaptive_max_pool1d_with_indices(
    input: Tensor, output_size: BroadcastingList1[int], return_indices: bool = False
) -> Tuple[Tensor, Tensor]:
    return torch.adaptive_max_pool1d(input, output_size)


def adaptive_max_pool2d_with_indices(
    input: Tensor, output_size: BroadcastingList2[int], return_indices: bool = False
) -> Tuple[Tensor, Tensor]:
    if torch.jit.is_scripting():
        return torch.adaptive_max_pool2d(input, output_size)
    else:
        return torch.adaptive_max_pool2d(input, _sizes2(input, output_size))


def adaptive_max_pool3d_with_indices(
    input: Tensor, output_size: BroadcastingList3[int], return_indices: bool = False
) -> Tuple[Tensor, Tensor]:
    if torch.jit.is_scripting():
        return torch.adaptive_max_pool3d(input, output_size)
    else:
        return torch.adaptive_max_pool3d(input, _sizes3(input, output_size))


def adaptive_max_pool1d(input: Tensor, output_size: BroadcastingList1[int], return_indices: bool = False):
    if torch.jit.is_scripting():
        _refuse_indices(return_indices)
        return adaptive_max_pool1d_with_indices(input, output_size)[0]
    else:
        if return_indices:
            return adaptive_max_pool1d_with_indices(input, output_size)
        else:
            return adaptive_max_pool1d_with_indices(input, output_size)[0]


def adaptive_max_pool2d(input: Tensor, output_size: BroadcastingList2[int], return_indices: bool = False):
    if torch.jit.is_scripting():
        _refuse_indices(return_indices)
        return adaptive_max_pool2d_with_indices(input, output_size)[0]
    else:
        if return_indices:
            return adaptive_max_pool2d_with_indices(input, output_size)
        else:
            return adaptive_max_pool2d_with_indices(input, output_size)[0]


def adaptive_max_pool3d(input: Tensor, output_size: BroadcastingList3[int], return_indices: bool = False):
    if torch.jit.is_scripting():
        _refuse_indices(return_indices)
        return adaptive_max_pool3d_with_indices(input, output_size)[0]
    else:
        if return_indices:
            return adaptive_max_pool3d_with_indices(input, output_size)
        else:
            return adaptive_max_pool3d_with_indices(input, output_size)[0]


# The other way: each number back to where it was the largest.


def _unpooled(sizes: List[int], kernel: List[int], stride: List[int], padding: List[int]) -> List[int]:
    first = len(sizes) - len(kernel)
    return [(sizes[first + d] - 1) * stride[d] + kernel[d] - 2 * padding[d] for d in range(len(kernel))]


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: BroadcastingList1[int],
    stride: Optional[BroadcastingList1[int]] = None,
    padding: BroadcastingList1[int] = 0,
    output_size: Optional[List[int]] = None
) -> Tensor:
    kernel = _list1(kernel_size)
    steps = kernel if stride is None else _list1(stride)
    if output_size is None:
        sizes = _unpooled(input.size(), kernel, steps, _list1(padding))
    else:
        sizes = output_size[-1:]
    return torch.max_unpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), sizes + [1]).squeeze(-1)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: BroadcastingList2[int],
    stride: Optional[BroadcastingList2[int]] = None,
    padding: BroadcastingList2[int] = 0,
    output_size: Optional[List[int]] = None
) -> Tensor:
    kernel = _list2(kernel_size)
    steps = kernel if stride is None else _list2(stride)
    if output_size is None:
        sizes = _unpooled(input.size(), kernel, steps, _list2(padding))
    else:
        sizes = output_size[-2:]
    return torch.max_unpool2d(input, indices, sizes)


def _list1(x: BroadcastingList1[int]) -> List[int]:
    if isinstance(x, int):
        return [x]
    else:
        return [x[0]]


def _list2(x: BroadcastingList2[int]) -> List[int]:
    if isinstance(x, int):
        return [x, x]
    else:
        return [x[0], x[1]]


# Power averages (Lp). The sum of a window is its average times its size.


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: int,
    stride: Optional[BroadcastingList1[int]] = None,
    ceil_mode: bool = False
) -> Tensor:
    if norm_type == float("inf"):
        return _max_pool1d(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    if norm_type == -float("inf"):
        return -_max_pool1d(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    powers = input.pow(norm_type)
    if stride is None:
        average = torch.avg_pool1d(powers, kernel_size, [], 0, ceil_mode)
    else:
        average = torch.avg_pool1d(powers, kernel_size, stride, 0, ceil_mode)
    return (torch.sign(average) * torch.relu(torch.abs(average))).mul(kernel_size).pow(1.0 / norm_type)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: BroadcastingList2[int],
    stride: Optional[BroadcastingList2[int]] = None,
    ceil_mode: bool = False
) -> Tensor:
    if norm_type == float("inf"):
        return _max_pool2d(input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    if norm_type == -float("inf"):
        return -_max_pool2d(-input.abs(), kernel_size, stride, 0, 1, ceil_mode)
    powers = input.pow(norm_type)
    if stride is None:
        average = torch.avg_pool2d(powers, kernel_size, [], 0, ceil_mode)
    else:
        average = torch.avg_pool2d(powers, kernel_size, stride, 0, ceil_mode)
    sides = _list2(kernel_size)
    return (torch.sign(average) * torch.relu(torch.abs(average))).mul(sides[0] * sides[1]).pow(1.0 / norm_type)
