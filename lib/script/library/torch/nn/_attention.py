# What nn.MultiheadAttention computes.
import math
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor


# Attention (Vaswani et al., 2017), over [length, batch, width].
def multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor,
    in_proj_bias: Optional[Tensor],
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Optional[Tensor],
    training: bool = True,
    key_padding_mask: Optional[Tensor] = None,
    need_weights: bool = True,
    attn_mask: Optional[Tensor] = None,
    average_attn_weights: bool = True
) -> Tuple[Tensor, Optional[Tensor]]:
    target, batch, width = query.shape
    if width != embed_dim_to_check:
        raise ValueError("was expecting embedding dimension of " + str(embed_dim_to_check) + ", but got " + str(width))
    head = width // num_heads
    q, k, v = _in_projection(query, key, value, in_proj_weight, in_proj_bias)
    q = q.view(target, batch * num_heads, head).transpose(0, 1)
    k = k.view(k.shape[0], batch * num_heads, head).transpose(0, 1)
    v = v.view(v.shape[0], batch * num_heads, head).transpose(0, 1)
    source = k.size(1)
    mask = _merged_mask(attn_mask, key_padding_mask, batch, num_heads, source, query.dtype)
    p = dropout_p if training else 0.0
    if need_weights:
        weights, output = _weighted(q, k, v, mask, p)
        output = output.transpose(0, 1).reshape(target * batch, width)
        output = torch.linear(output, out_proj_weight, out_proj_bias)
        output = output.view(target, batch, output.size(1))
        weights = weights.view(batch, num_heads, target, source)
        if average_attn_weights:
            weights = weights.mean(dim=1)
        return output, weights
    if mask is not None:
        if mask.size(0) == 1:
            mask = mask.unsqueeze(0)
        else:
            mask = mask.view(batch, num_heads, -1, source)
    q = q.view(batch, num_heads, target, head)
    k = k.view(batch, num_heads, source, head)
    v = v.view(batch, num_heads, source, head)
    output = torch.scaled_dot_product_attention(q, k, v, mask, p)
    output = output.permute(2, 0, 1, 3).reshape(batch * target, width)
    output = torch.linear(output, out_proj_weight, out_proj_bias)
    output = output.view(target, batch, output.size(1))
    return output, None


# The weights, [batch * heads, target, source], and what they take from the values.
def _weighted(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor], p: float) -> Tuple[Tensor, Tensor]:
    scaled = q * math.sqrt(1.0 / float(q.size(2)))
    if mask is None:
        weights = torch.bmm(scaled, k.transpose(-2, -1))
    else:
        weights = torch.baddbmm(mask, scaled, k.transpose(-2, -1))
    weights = F.softmax(weights, dim=-1)
    if p > 0.0:
        weights = F.dropout(weights, p=p)
    return weights, torch.bmm(weights, v)


# One matrix product, split in three. The rows of the weight are those of query, key and value.
def _in_projection(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Optional[Tensor]
) -> Tuple[Tensor, Tensor, Tensor]:
    if key is value and query is key:
        width = query.size(-1)
        projected = torch.linear(query, weight, bias)
        projected = projected.unflatten(-1, [3, width]).unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()
        return projected[0], projected[1], projected[2]
    weight_q, weight_k, weight_v = torch.chunk(weight, 3)
    if bias is None:
        return torch.linear(query, weight_q), torch.linear(key, weight_k), torch.linear(value, weight_v)
    bias_q, bias_k, bias_v = torch.chunk(bias, 3)
    return (
        torch.linear(query, weight_q, bias_q),
        torch.linear(key, weight_k, bias_k),
        torch.linear(value, weight_v, bias_v)
    )


# A boolean mask is true where nothing may be looked at: minus infinity is added there.
def _additive_mask(mask: Tensor, dtype: int) -> Tensor:
    if mask.is_floating_point():
        return mask
    return torch.zeros_like(mask, dtype=dtype).masked_fill_(mask, float("-inf"))


# Both masks in one, [batch * heads, target, source] or [1, target, source].
def _merged_mask(
    attn_mask: Optional[Tensor],
    key_padding_mask: Optional[Tensor],
    batch: int,
    num_heads: int,
    source: int,
    dtype: int
) -> Optional[Tensor]:
    mask: Optional[Tensor] = None
    if attn_mask is not None:
        mask = _additive_mask(attn_mask, dtype)
        if mask.dim() == 2:
            mask = mask.unsqueeze(0)
    if key_padding_mask is not None:
        padding = _additive_mask(key_padding_mask, dtype).view(batch, 1, 1, source)
        padding = padding.expand(-1, num_heads, -1, -1).reshape(batch * num_heads, 1, source)
        if mask is None:
            mask = padding
        else:
            mask = mask + padding
    return mask
