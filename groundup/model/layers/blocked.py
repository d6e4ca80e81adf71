"""Causal attention for training on CPUs, as a few large matrix products per block of queries.

PyTorch's flash kernel for CPUs runs at a fraction of matmul speed, most of all backward and in bf16. Here each block of
queries meets only the keys it may see (so half of the square is never computed), probabilities are kept, and backward
is four products a block. Measured on one core, forward + backward, 16 x 4 heads x 256 tokens x 32: bf16 50 -> 21 ms,
fp32 30 -> 26 ms; 2 x 8 heads x 1024 x 64: bf16 128 -> 72 ms, fp32 152 -> 130 ms. The price is memory for the kept
probabilities, B H T^2 / 2 numbers a layer, so it is for contexts up to LONGEST.

N = batch x heads, T time, K head size, Q queries of one block, S keys it sees.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

LONGEST = 1024  # tokens; beyond, the kept probabilities outgrow what they save


def blocked_attention(q_BHTK: Tensor, k_BHTK: Tensor, v_BHTK: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(K) + causal mask) v, the same as scaled_dot_product_attention(..., is_causal=True)."""
    block = 64 if q_BHTK.shape[2] <= 256 else 128  # the best of 64, 128 and whole, at these lengths
    return _Blocked.apply(q_BHTK.to(v_BHTK.dtype), k_BHTK.to(v_BHTK.dtype), v_BHTK, block)


class _Blocked(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, block: int) -> Tensor:
        shape = q.shape
        T, K = shape[-2:]
        q_NTK, k_NTK, v_NTK = (x.reshape(-1, T, K) for x in (q, k, v))
        y_NTK, kept = torch.empty_like(q_NTK), []
        with torch.autocast("cpu", enabled=False):  # softmax would be cast to fp32; it computes in fp32 inside anyway
            for start in range(0, T, block):
                end = min(T, start + block)
                mask_QS = torch.full((end - start, end), float("-inf"), dtype=q.dtype).triu_(1 + start)
                mask_NQS = mask_QS.expand(q_NTK.shape[0], -1, -1)
                scores_NQS = torch.baddbmm(mask_NQS, q_NTK[:, start:end], k_NTK[:, :end].mT, alpha=K**-0.5)
                kept.append(torch.softmax(scores_NQS, -1))
                y_NTK[:, start:end] = kept[-1] @ v_NTK[:, :end]
        ctx.save_for_backward(q_NTK, k_NTK, v_NTK, *kept)
        ctx.block, ctx.shape = block, shape
        return y_NTK.view(shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q_NTK, k_NTK, v_NTK, *kept = ctx.saved_tensors
        T, K = ctx.shape[-2:]
        grad_NTK = grad.reshape(-1, T, K)
        dq_NTK, dk_NTK, dv_NTK = torch.empty_like(q_NTK), torch.zeros_like(k_NTK), torch.zeros_like(v_NTK)
        for number, p_NQS in enumerate(kept):
            start = number * ctx.block
            end = min(T, start + ctx.block)
            grad_NQK = grad_NTK[:, start:end]
            dv_NTK[:, :end].baddbmm_(p_NQS.mT, grad_NQK)
            # Through the softmax: ds = p (dp - sum(dp p)), in place of dp.
            ds_NQS = grad_NQK @ v_NTK[:, :end].mT
            ds_NQS = torch._softmax_backward_data(ds_NQS, p_NQS, -1, p_NQS.dtype)
            dq_NTK[:, start:end] = ds_NQS @ k_NTK[:, :end]
            dk_NTK[:, :end].baddbmm_(ds_NQS.mT, q_NTK[:, start:end])
        scale = K**-0.5
        return dq_NTK.mul_(scale).view(ctx.shape), dk_NTK.mul_(scale).view(ctx.shape), dv_NTK.view(ctx.shape), None
