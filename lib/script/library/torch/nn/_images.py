# Images of torch.nn.functional: other sizes, and sampled along a grid.
import math
from typing import List, Optional, Union

import torch
from torch import Tensor
from torch._jit_internal import BroadcastingList2


def _sizes(size: Union[int, List[int]], dims: int) -> List[int]:
    if isinstance(size, int):
        return [size for i in range(dims)]
    else:
        return [side for side in size]


def _factors(scale_factor: Union[float, List[float]], dims: int) -> List[float]:
    if isinstance(scale_factor, (int, float)):
        return [float(scale_factor) for i in range(dims)]
    else:
        return [float(factor) for factor in scale_factor]


# `size` and `scale_factor` are a number for all dimensions or one for each.
def interpolate(
    input: Tensor,
    size: Union[int, List[int], None] = None,
    scale_factor: Union[float, List[float], None] = None,
    mode: str = "nearest",
    align_corners: Optional[bool] = None,
    recompute_scale_factor: Optional[bool] = None,
    antialias: bool = False
) -> Tensor:
    # Operators are called with scale_factors by name: there are others that take a scale for each side, one by one.
    dims = input.dim() - 2
    sizes: Optional[List[int]] = None
    factors: Optional[List[float]] = None
    if size is not None:
        if scale_factor is not None:
            raise ValueError("only one of size or scale_factor should be defined")
        sizes = _sizes(size, dims)
        if len(sizes) != dims:
            raise ValueError("size has " + str(len(sizes)) + " numbers, input has " + str(dims) + " spatial dimensions")
    elif scale_factor is not None:
        scales = _factors(scale_factor, dims)
        if len(scales) != dims:
            raise ValueError(
                "scale_factor has " + str(len(scales)) + " numbers, input has " + str(dims) + " spatial dimensions"
            )
        if mode == "area" or (recompute_scale_factor is not None and recompute_scale_factor):
            sizes = [int(math.floor(float(input.size(i + 2)) * scales[i])) for i in range(dims)]
        else:
            factors = scales
    else:
        raise ValueError("either size or scale_factor should be defined")
    if mode == "nearest" or mode == "nearest-exact" or mode == "area":
        if align_corners is not None:
            raise ValueError("align_corners can only be set with linear, bilinear, bicubic and trilinear")
        return _copied(input, sizes, factors, mode)
    corners = False
    if align_corners is not None:
        corners = align_corners
    if antialias:
        if mode == "bilinear" and dims == 2:
            return torch._upsample_bilinear2d_aa(input, sizes, corners, scale_factors=factors)
        if mode == "bicubic" and dims == 2:
            return torch._upsample_bicubic2d_aa(input, sizes, corners, scale_factors=factors)
        raise ValueError("antialias is for bilinear and bicubic of an input of 4 dimensions")
    if mode == "linear" and dims == 1:
        return torch.upsample_linear1d(input, sizes, corners, scale_factors=factors)
    if mode == "bilinear" and dims == 2:
        return torch.upsample_bilinear2d(input, sizes, corners, scale_factors=factors)
    if mode == "bicubic" and dims == 2:
        return torch.upsample_bicubic2d(input, sizes, corners, scale_factors=factors)
    if mode == "trilinear" and dims == 3:
        return torch.upsample_trilinear3d(input, sizes, corners, scale_factors=factors)
    raise NotImplementedError("mode " + mode + " of an input of " + str(dims + 2) + " dimensions")


# Each new number is one of the old ones, or the mean of some.
def _copied(input: Tensor, sizes: Optional[List[int]], factors: Optional[List[float]], mode: str) -> Tensor:
    dims = input.dim() - 2
    if mode == "area":
        if sizes is None:
            raise ValueError("mode area has sizes")
        if dims == 1:
            return torch.adaptive_avg_pool1d(input, sizes)
        if dims == 2:
            return torch.adaptive_avg_pool2d(input, sizes)
        if dims == 3:
            return torch.adaptive_avg_pool3d(input, sizes)
    elif mode == "nearest":
        if dims == 1:
            return torch.upsample_nearest1d(input, sizes, scale_factors=factors)
        if dims == 2:
            return torch.upsample_nearest2d(input, sizes, scale_factors=factors)
        if dims == 3:
            return torch.upsample_nearest3d(input, sizes, scale_factors=factors)
    else:
        if dims == 1:
            return torch._upsample_nearest_exact1d(input, sizes, scale_factors=factors)
        if dims == 2:
            return torch._upsample_nearest_exact2d(input, sizes, scale_factors=factors)
        if dims == 3:
            return torch._upsample_nearest_exact3d(input, sizes, scale_factors=factors)
    raise NotImplementedError("mode " + mode + " of an input of " + str(dims + 2) + " dimensions")


def upsample(
    input: Tensor,
    size: Union[int, List[int], None] = None,
    scale_factor: Union[float, List[float], None] = None,
    mode: str = "nearest",
    align_corners: Optional[bool] = None
) -> Tensor:
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(
    input: Tensor, size: Union[int, List[int], None] = None, scale_factor: Union[float, List[float], None] = None
) -> Tensor:
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(
    input: Tensor, size: Union[int, List[int], None] = None, scale_factor: Union[float, List[float], None] = None
) -> Tensor:
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: Optional[bool] = None
) -> Tensor:
    modes = ["bilinear", "nearest", "bicubic"]
    paddings = ["zeros", "border", "reflection"]
    if mode not in modes:
        raise ValueError("grid_sample(): mode is bilinear, nearest or bicubic, not " + mode)
    if padding_mode not in paddings:
        raise ValueError("grid_sample(): padding_mode is zeros, border or reflection, not " + padding_mode)
    corners = False
    if align_corners is not None:
        corners = align_corners
    return torch.grid_sampler(input, grid, modes.index(mode), paddings.index(padding_mode), corners)


def affine_grid(theta: Tensor, size: List[int], align_corners: Optional[bool] = None) -> Tensor:
    corners = False
    if align_corners is not None:
        corners = align_corners
    return torch.affine_grid_generator(theta, size, corners)


def unfold(
    input: Tensor,
    kernel_size: BroadcastingList2[int],
    dilation: BroadcastingList2[int] = 1,
    padding: BroadcastingList2[int] = 0,
    stride: BroadcastingList2[int] = 1
) -> Tensor:
    return torch.im2col(input, kernel_size, dilation, padding, stride)


def fold(
    input: Tensor,
    output_size: BroadcastingList2[int],
    kernel_size: BroadcastingList2[int],
    dilation: BroadcastingList2[int] = 1,
    padding: BroadcastingList2[int] = 0,
    stride: BroadcastingList2[int] = 1
) -> Tensor:
    return torch.col2im(input, output_size, kernel_size, dilation, padding, stride)
