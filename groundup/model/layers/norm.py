"""RMSNorm (Zhang and Sennrich 2019): divide by the root mean square, scale per channel. No mean, no bias.

B batch, T time, D width (or head size: QK-norm uses the same layer per head).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon) * weight over the last dimension."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        # Eager autograd keeps four intermediate tensors of x's size on CPU; our Function keeps none but x.
        if x.device.type == "cpu" and torch.is_grad_enabled() and x.requires_grad:
            return _RMSNormCPU.apply(x, self.weight, self.epsilon)  # type: ignore[no-any-return]
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


class _RMSNormCPU(torch.autograd.Function):
    """The same values with a hand-written backward: with n = x / rms and g = dy * weight, dx = (g - n mean(g n)) / rms."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        inverse = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_().div_(x.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(x, weight, inverse)
        return (x * inverse).mul_(weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:  # type: ignore[override]
        x, weight, inverse = ctx.saved_tensors
        normed = x * inverse
        grad_normed = grad * normed
        grad_weight = grad_normed.reshape(-1, x.shape[-1]).sum(0)
        mean = (grad_normed @ weight).unsqueeze_(-1).div_(x.shape[-1])
        grad_x = (grad * weight).sub_(normed.mul_(mean)).mul_(inverse)
        return grad_x, grad_weight, None
