"""Rotary position embedding (Su et al. 2021): query and key pairs turn by an angle that grows with the position.

Pairs are (i, i + K/2), the "rotate half" layout of Hugging Face; llama.cpp and vLLM read it from the same weights.
B batch, H heads, T time, K head size.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Rotary(nn.Module):
    """Tables of cosines and sines, grown on demand; no parameters and nothing in the state dict."""

    def __init__(self, head_dim: int, theta: float) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.theta = theta
        self._tables: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}

    def forward(self, start: int, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """(cos_TK, sin_TK) of the positions start ... start + length - 1, on the device and in the dtype of `like`."""
        key = (like.device, like.dtype)
        if key not in self._tables or self._tables[key][0].shape[0] < start + length:
            size = max(256, 1 << (start + length - 1).bit_length())  # grow by doubling: few rebuilds in generation
            self._tables[key] = self._build(size, like)
        cos_SK, sin_SK = self._tables[key]
        return cos_SK[start : start + length], sin_SK[start : start + length]

    def at(self, positions_BT: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """(cos, sin) of any positions, each (B, 1, T, K): rows of one batch may stand at different places."""
        cos_SK, sin_SK = self(0, int(positions_BT.max()) + 1, like)
        return cos_SK[positions_BT].unsqueeze(1), sin_SK[positions_BT].unsqueeze(1)

    @torch.inference_mode(False)  # tables first asked for while generating serve training and gradients later
    def _build(self, size: int, like: Tensor) -> tuple[Tensor, Tensor]:
        # Angles in fp32 whatever the model's dtype: bf16 cannot tell position 257 from 258.
        exponents = torch.arange(0, self.head_dim, 2, dtype=torch.float32) / self.head_dim
        angles_TK = torch.outer(torch.arange(size, dtype=torch.float32), 1.0 / self.theta**exponents).repeat(1, 2)
        return angles_TK.cos().to(like), angles_TK.sin().to(like)


def rotate(x_BHTK: Tensor, cos_TK: Tensor, sin_TK: Tensor) -> Tensor:
    """x turned by its positions' angles."""
    if x_BHTK.device.type == "cpu":
        return _RotateCPU.apply(x_BHTK, cos_TK, sin_TK)
    return plain_rotate(x_BHTK, cos_TK, sin_TK)


def plain_rotate(x_BHTK: Tensor, cos_TK: Tensor, sin_TK: Tensor) -> Tensor:
    """The slow, obvious twin of `rotate`; compilers fuse it by themselves."""
    first, second = x_BHTK.chunk(2, dim=-1)
    turned_BHTK = torch.cat((-second, first), dim=-1)
    return x_BHTK * cos_TK + turned_BHTK * sin_TK


class _RotateCPU(torch.autograd.Function):
    """Two passes over memory instead of six. The gradient of a rotation is the rotation back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos, sin, 1.0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = ctx.saved_tensors
        return _turn(grad, cos, sin, -1.0), None, None


def _turn(x: Tensor, cos: Tensor, sin: Tensor, sign: float) -> Tensor:
    half = x.shape[-1] // 2
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    y = x * cos
    y[..., :half].addcmul_(x[..., half:], sin[..., :half], value=-sign)
    y[..., half:].addcmul_(x[..., :half], sin[..., half:], value=sign)
    return y
