# torch/functional.py: functions of torch that are written in Python there. Their operators are those that a trace of
# Python's records.
from typing import List, Optional

import torch
from torch import Tensor


def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    if isinstance(dim, int):
        dims = [dim]
    else:
        dims = dim
    if isinstance(p, str):
        if p == "fro":
            return torch.linalg.vector_norm(input, 2, dims, keepdim, dtype=dtype)
        if dims is None:
            return torch.linalg.matrix_norm(input, p, [-2, -1], keepdim, dtype=dtype)
        return torch.linalg.matrix_norm(input, p, dims, keepdim, dtype=dtype)
    if p is None:
        return torch.linalg.vector_norm(input, 2.0, dims, keepdim, dtype=dtype)
    return torch.linalg.vector_norm(input, p, dims, keepdim, dtype=dtype)


def split(tensor, split_size_or_sections, dim=0):
    if isinstance(split_size_or_sections, int):
        return torch._VF.split(tensor, split_size_or_sections, dim)
    return torch._VF.split_with_sizes(tensor, split_size_or_sections, dim)


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: Optional[int] = None,
    win_length: Optional[int] = None,
    window: Optional[Tensor] = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: Optional[bool] = None,
    return_complex: Optional[bool] = None,
    align_to_window: Optional[bool] = None,
) -> Tensor:
    if center:
        signal_dim = input.dim()
        extended_shape = [1] * (3 - signal_dim) + input.size()
        pad = n_fft // 2
        input = torch.nn.functional.pad(input.view(extended_shape), [pad, pad], pad_mode)
        input = input.view(input.shape[-signal_dim:])
    return torch._VF.stft(
        input, n_fft, hop_length, win_length, window, normalized, onesided, return_complex, align_to_window
    )


def tensordot(a, b, dims=2, out=None):
    if isinstance(dims, int):
        return torch._VF.tensordot(a, b, [i - dims for i in range(dims)], [i for i in range(dims)])
    return torch._VF.tensordot(a, b, dims[0], dims[1])


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    if dim is not None:
        values, inverse, counts = torch._VF.unique_dim(input, dim, sorted, return_inverse, return_counts)
        return _chosen(values, inverse, counts, return_inverse, return_counts)
    values, inverse, counts = torch._VF._unique2(input, sorted, return_inverse, return_counts)
    return _chosen(values, inverse, counts, return_inverse, return_counts)


def _chosen(values, inverse, counts, return_inverse, return_counts):
    if return_inverse and return_counts:
        return values, inverse, counts
    if return_inverse:
        return values, inverse
    if return_counts:
        return values, counts
    return values


def nonzero(input, as_tuple=False):
    if as_tuple:
        return torch._VF.nonzero_numpy(input)
    return torch._VF.nonzero(input)
