"""Attention for training on CPUs, as a few large matrix products per block of queries: causal, or within a reach.

PyTorch's flash kernel for CPUs runs at a fraction of matmul speed, most of all backward and in bf16. Here each block of
queries meets only the keys it may see (so half of the square is never computed), probabilities are kept, and backward
is four products a block. Measured on one core, forward + backward, 16 x 4 heads x 256 tokens x 32: bf16 50 -> 21 ms,
fp32 30 -> 26 ms; 2 x 8 heads x 1024 x 64: bf16 128 -> 72 ms, fp32 152 -> 130 ms. The price is memory for the kept
probabilities, B H T^2 / 2 numbers a layer, so it is for contexts up to LONGEST. With a reach (windows of a decoder, local
layers of an encoder) keys out of reach are not computed either: work and memory grow with T times the reach.

N = batch x heads, T time, K head size, Q queries of one block, S keys it sees.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

LONGEST = 1024  # tokens; beyond, the kept probabilities outgrow what they save


def blocked_attention(
    q_BHTK: Tensor, k_BHTK: Tensor, v_BHTK: Tensor, *, before: int | None = None, after: int = 0
) -> Tensor:
    """softmax(q k^T / sqrt(K) + mask) v. A query sees `before` keys before its own (None: all) and `after` behind it:
    by default the same as scaled_dot_product_attention(..., is_causal=True)."""
    length = q_BHTK.shape[2]
    before = length if before is None else before
    block = 64 if min(length, before + after) <= 256 else 128  # the best of 64, 128 and whole, at these lengths
    return _Blocked.apply(q_BHTK.to(v_BHTK.dtype), k_BHTK.to(v_BHTK.dtype), v_BHTK, block, before, after)


def plain_reach(length: int, before: int, after: int, device: torch.device) -> Tensor:
    """(T, T) True where a query may look: the mask of the slow, obvious twin."""
    places_T = torch.arange(length, device=device)
    ahead_TT = places_T - places_T.unsqueeze(1)
    return (ahead_TT <= after) & (ahead_TT >= -before)


class _Blocked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, block: int, before: int, after: int) -> Tensor:
        shape = q.shape
        T, K = shape[-2:]
        q_NTK, k_NTK, v_NTK = (x.reshape(-1, T, K) for x in (q, k, v))
        y_NTK, kept, spans = torch.empty_like(q_NTK), [], []
        with torch.autocast("cpu", enabled=False):  # softmax would be cast to fp32; it computes in fp32 inside anyway
            for start in range(0, T, block):
                end = min(T, start + block)
                first, last = max(0, start - before), min(T, end + after)
                mask_QS = torch.full((end - start, last - first), float("-inf"), dtype=q.dtype)
                mask_QS = mask_QS.triu_(1 + start - first + after)
                if first + before < end - 1:  # some keys in sight are out of reach for the later queries
                    mask_QS += torch.full_like(mask_QS, float("-inf")).tril_(start - before - first - 1)
                mask_NQS = mask_QS.expand(q_NTK.shape[0], -1, -1)
                scores_NQS = torch.baddbmm(mask_NQS, q_NTK[:, start:end], k_NTK[:, first:last].mT, alpha=K**-0.5)
                kept.append(torch.softmax(scores_NQS, -1))
                spans.append((start, end, first, last))
                y_NTK[:, start:end] = kept[-1] @ v_NTK[:, first:last]
        ctx.save_for_backward(q_NTK, k_NTK, v_NTK, *kept)
        ctx.spans, ctx.shape = spans, shape
        return y_NTK.view(shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        q_NTK, k_NTK, v_NTK, *kept = ctx.saved_tensors
        T, K = ctx.shape[-2:]
        grad_NTK = grad.reshape(-1, T, K)
        dq_NTK, dk_NTK, dv_NTK = torch.empty_like(q_NTK), torch.zeros_like(k_NTK), torch.zeros_like(v_NTK)
        for p_NQS, (start, end, first, last) in zip(kept, ctx.spans, strict=True):
            grad_NQK = grad_NTK[:, start:end]
            dv_NTK[:, first:last].baddbmm_(p_NQS.mT, grad_NQK)
            # Through the softmax: ds = p (dp - sum(dp p)), in place of dp.
            ds_NQS = grad_NQK @ v_NTK[:, first:last].mT
            ds_NQS = torch._softmax_backward_data(ds_NQS, p_NQS, -1, p_NQS.dtype)
            dq_NTK[:, start:end] = ds_NQS @ k_NTK[:, first:last]
            dk_NTK[:, first:last].baddbmm_(ds_NQS.mT, q_NTK[:, start:end])
        scale = K**-0.5
        shape = ctx.shape
        return dq_NTK.mul_(scale).view(shape), dk_NTK.mul_(scale).view(shape), dv_NTK.view(shape), None, None, None
