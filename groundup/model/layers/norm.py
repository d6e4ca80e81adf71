"""Norms by name. The default is RMSNorm (Zhang and Sennrich 2019): divide by the root mean square, scale per channel.

To add one: a class of (width, epsilon), registered under its name.

B batch, T time, D width (or head size: QK-norm uses the same layer per head).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.core.registry import Registry


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + epsilon) * weight over the last dimension."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        # Eager autograd keeps four intermediate tensors of x's size on CPU; our Function keeps none but x.
        if x.device.type == "cpu" and torch.is_grad_enabled() and x.requires_grad:
            return _RMSNormCPU.apply(x, self.weight, self.epsilon)
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


class _RMSNormCPU(torch.autograd.Function):
    """The same values with a hand-written backward: with g = dy * weight, dx = (g - x mean(g x) / rms^2) / rms, and for
    the weight sum dy x / rms; both sums are products of dy * x with a vector.

    The mean square is taken in fp32 or better, the rest in x's own dtype: passes that mix dtypes cost double here.
    Under autocast the result is cast once, not by each matmul that reads it.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        exact = torch.promote_types(x.dtype, torch.float32)
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=exact)
        inverse = norm.square_().div_(x.shape[-1]).add_(epsilon).rsqrt_().to(x.dtype)
        ctx.save_for_backward(x, weight, inverse)
        y = (x * inverse).mul_(weight.to(x.dtype))
        return y.to(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight, inverse = ctx.saved_tensors
        grad, weight_x = grad.to(x.dtype), weight.to(x.dtype)
        product = grad * x
        grad_weight = (inverse.reshape(1, -1) @ product.reshape(-1, x.shape[-1])).squeeze(0).to(weight.dtype)
        pull = (product @ weight_x).unsqueeze_(-1).mul_(inverse).mul_(inverse).div_(-x.shape[-1])
        grad_x = (grad * weight_x).addcmul_(x, pull).mul_(inverse)
        return grad_x, grad_weight, None


norms: Registry[Callable[[int, float], nn.Module]] = Registry("norm")  # (width, epsilon) -> module
norms.register("rms")(RMSNorm)


@norms.register("layer")
class LayerNorm(nn.LayerNorm):
    """(x - mean) / standard deviation * weight + bias (Ba et al. 2016)."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__(width, eps=epsilon)


@norms.register("layer_unbiased")
class UnbiasedLayerNorm(nn.LayerNorm):
    """LayerNorm without its bias (ModernBERT)."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__(width, eps=epsilon, bias=False)


@norms.register("rms_bare")
class BareRMSNorm(nn.Module):
    """RMSNorm without its weights (nanochat): the matrices behind it can do their work."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu" and torch.is_grad_enabled() and x.requires_grad:
            return _RMSNormCPU.apply(x, x.new_ones(x.shape[-1]), self.epsilon)
        return F.rms_norm(x, (x.shape[-1],), None, self.epsilon)


@norms.register("none")
class NoNorm(nn.Module):
    """x as it is."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x
