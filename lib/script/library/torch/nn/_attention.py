# What nn.MultiheadAttention computes: attention (Vaswani et al., 2017), over [length, batch, width].
import math
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Optional[Tensor],
    in_proj_bias: Optional[Tensor],
    bias_k: Optional[Tensor],
    bias_v: Optional[Tensor],
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Optional[Tensor],
    training: bool = True,
    key_padding_mask: Optional[Tensor] = None,
    need_weights: bool = True,
    attn_mask: Optional[Tensor] = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Optional[Tensor] = None,
    k_proj_weight: Optional[Tensor] = None,
    v_proj_weight: Optional[Tensor] = None,
    static_k: Optional[Tensor] = None,
    static_v: Optional[Tensor] = None,
    average_attn_weights: bool = True,
    is_causal: bool = False
) -> Tuple[Tensor, Optional[Tensor]]:
    if static_k is not None or static_v is not None:
        raise NotImplementedError("static_k and static_v")
    batched = query.dim() == 3
    if not batched:
        query = query.unsqueeze(1)
        key = key.unsqueeze(1)
        value = value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    target, batch, width = query.shape
    key_padding_mask = _canonical_mask(key_padding_mask, query)
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None
    else:
        attn_mask = _canonical_mask(attn_mask, query)
        if key_padding_mask is not None:
            is_causal = False
    if width != embed_dim_to_check:
        raise ValueError("was expecting embedding dimension of " + str(embed_dim_to_check) + ", but got " + str(width))
    head = width // num_heads
    if use_separate_proj_weight:
        q, k, v = _separate_projection(query, key, value, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias)
    else:
        q, k, v = _in_projection(query, key, value, in_proj_weight, in_proj_bias)
    # A mask for all heads and lines; one of three dimensions has its own for each.
    shared = False
    if attn_mask is not None:
        shared = attn_mask.dim() == 2
        if shared:
            attn_mask = attn_mask.unsqueeze(0)
    if bias_k is not None and bias_v is not None:
        k = torch.cat([k, bias_k.repeat(1, batch, 1)])
        v = torch.cat([v, bias_v.repeat(1, batch, 1)])
        attn_mask = _one_more(attn_mask)
        key_padding_mask = _one_more(key_padding_mask)
    q = q.view(target, batch * num_heads, head).transpose(0, 1)
    k = k.view(k.shape[0], batch * num_heads, head).transpose(0, 1)
    v = v.view(v.shape[0], batch * num_heads, head).transpose(0, 1)
    if add_zero_attn:
        rows = batch * num_heads
        k = torch.cat([k, torch.zeros([rows, 1, head], dtype=k.dtype, device=k.device)], dim=1)
        v = torch.cat([v, torch.zeros([rows, 1, head], dtype=v.dtype, device=v.device)], dim=1)
        attn_mask = _one_more(attn_mask)
        key_padding_mask = _one_more(key_padding_mask)
    source = k.size(1)
    if key_padding_mask is not None:
        padding = key_padding_mask.view(batch, 1, 1, source)
        padding = padding.expand(-1, num_heads, -1, -1).reshape(batch * num_heads, 1, source)
        shared = False
        if attn_mask is None:
            attn_mask = padding
        else:
            attn_mask = attn_mask + padding
    if not training:
        dropout_p = 0.0
    if need_weights:
        # The width of a head is that of the parameters, whatever the input: a number.
        scale = math.sqrt(1.0 / float(embed_dim_to_check // num_heads))
        weights, output = _weighted(q * scale, k, v, attn_mask, dropout_p)
        output = output.transpose(0, 1).reshape(target * batch, width)
        output = torch.linear(output, out_proj_weight, out_proj_bias)
        output = output.view(target, batch, output.size(1))
        weights = weights.view(batch, num_heads, target, source)
        if average_attn_weights:
            weights = weights.mean(dim=1)
        if not batched:
            output = output.squeeze(1)
            weights = weights.squeeze(0)
        return output, weights
    if attn_mask is not None:
        if shared:
            attn_mask = attn_mask.unsqueeze(0)
        else:
            attn_mask = attn_mask.view(batch, num_heads, -1, source)
    q = q.view(batch, num_heads, target, head)
    k = k.view(batch, num_heads, source, head)
    v = v.view(batch, num_heads, source, head)
    output = torch.scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal)
    output = output.permute(2, 0, 1, 3).reshape(batch * target, width)
    output = torch.linear(output, out_proj_weight, out_proj_bias)
    output = output.view(target, batch, output.size(1))
    if not batched:
        output = output.squeeze(1)
    return output, None


# The weights, [batch * heads, target, source], and what they take from the values.
def _weighted(q: Tensor, k: Tensor, v: Tensor, mask: Optional[Tensor], p: float) -> Tuple[Tensor, Tensor]:
    if mask is None:
        weights = torch.bmm(q, k.transpose(-2, -1))
    else:
        weights = torch.baddbmm(mask, q, k.transpose(-2, -1))
    weights = F.softmax(weights, dim=-1)
    if p > 0.0:
        weights = F.dropout(weights, p=p)
    return weights, torch.bmm(weights, v)


# One matrix product, split in `parts` along the last dimension.
def _projected(input: Tensor, weight: Tensor, bias: Optional[Tensor], parts: int, width: int) -> Tensor:
    product = torch.linear(input, weight, bias)
    return product.unflatten(-1, [parts, width]).unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()


# The rows of the weight are those of query, key and value. What is one tensor is multiplied once.
def _in_projection(
    query: Tensor, key: Tensor, value: Tensor, weight: Optional[Tensor], bias: Optional[Tensor]
) -> Tuple[Tensor, Tensor, Tensor]:
    if weight is None:
        raise ValueError("use_separate_proj_weight is False but in_proj_weight is None")
    if key is value and query is key:
        all_three = _projected(query, weight, bias, 3, query.size(-1))
        return all_three[0], all_three[1], all_three[2]
    if key is value:
        width = query.size(-1)
        weights = weight.split_with_sizes([width, width * 2])
        if bias is None:
            q = torch.linear(query, weights[0])
            both = _projected(key, weights[1], None, 2, width)
        else:
            biases = bias.split_with_sizes([width, width * 2])
            q = torch.linear(query, weights[0], biases[0])
            both = _projected(key, weights[1], biases[1], 2, width)
        return q, both[0], both[1]
    weight_q, weight_k, weight_v = torch.chunk(weight, 3)
    return _separate_projection(query, key, value, weight_q, weight_k, weight_v, bias)


def _separate_projection(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    weight_q: Optional[Tensor],
    weight_k: Optional[Tensor],
    weight_v: Optional[Tensor],
    bias: Optional[Tensor]
) -> Tuple[Tensor, Tensor, Tensor]:
    if weight_q is None or weight_k is None or weight_v is None:
        raise ValueError("use_separate_proj_weight is True but a projection's weight is None")
    if bias is None:
        return torch.linear(query, weight_q), torch.linear(key, weight_k), torch.linear(value, weight_v)
    bias_q, bias_k, bias_v = torch.chunk(bias, 3)
    return (
        torch.linear(query, weight_q, bias_q),
        torch.linear(key, weight_k, bias_k),
        torch.linear(value, weight_v, bias_v)
    )


# A boolean mask is true where nothing may be looked at: minus infinity is added there.
def _canonical_mask(mask: Optional[Tensor], like: Tensor) -> Optional[Tensor]:
    if mask is not None:
        if not torch.is_floating_point(mask):
            mask = torch.zeros_like(mask, dtype=like.dtype).masked_fill_(mask, float("-inf"))
    return mask


# A mask for one more position, which may be looked at.
def _one_more(mask: Optional[Tensor]) -> Optional[Tensor]:
    if mask is not None:
        mask = torch.pad(mask, [0, 1])
    return mask
