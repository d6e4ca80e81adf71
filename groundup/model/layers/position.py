"""Rotary position embedding (Su et al. 2021): query and key pairs turn by an angle that grows with the position.

Pairs are (i, i + K/2), the "rotate half" layout of Hugging Face; llama.cpp and vLLM read it from the same weights.
A model made for a longer context than it was first trained on turns slower (`slowed`): by name, one function each.
B batch, H heads, T time, K head size, F = K/2 frequencies.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from groundup.core.registry import Registry
from groundup.model.config import ModelConfig

slowed: Registry[Callable[[Tensor, float, int], tuple[Tensor, float]]] = Registry("rope scaling")
# (frequencies_F, factor, original context) -> (slower frequencies_F, what cosines and sines are multiplied by)


class Rotary(nn.Module):
    """Tables of cosines and sines, grown on demand; no parameters and nothing in the state dict."""

    def __init__(
        self, head_dim: int, theta: float, *, scaling: str = "none", factor: float = 1.0, original: int = 0
    ) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.theta = theta
        self.scaling, self.factor, self.original = scaling, factor, original
        self._tables: dict[tuple[torch.device, torch.dtype], tuple[Tensor, Tensor]] = {}

    @classmethod
    def of(cls, config: ModelConfig) -> Rotary:
        """The rotation a config asks for."""
        how = {"scaling": config.rope_scaling, "factor": config.rope_factor, "original": config.rope_original}
        return cls(config.head_dim, config.rope_theta, **how)  # type: ignore[arg-type]

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
        frequencies_F, size_of = slowed.get(self.scaling)(1.0 / self.theta**exponents, self.factor, self.original)
        angles_TK = torch.outer(torch.arange(size, dtype=torch.float32), frequencies_F).repeat(1, 2)
        return (angles_TK.cos() * size_of).to(like), (angles_TK.sin() * size_of).to(like)


@slowed.register("none")
def _as_it_is(frequencies_F: Tensor, factor: float, original: int) -> tuple[Tensor, float]:
    return frequencies_F, 1.0


@slowed.register("linear")
def _linear(frequencies_F: Tensor, factor: float, original: int) -> tuple[Tensor, float]:
    """All turn slower by the same factor (Chen et al. 2023, position interpolation)."""
    return frequencies_F / factor, 1.0


@slowed.register("llama3")
def _llama3(frequencies_F: Tensor, factor: float, original: int) -> tuple[Tensor, float]:
    """Only those that turn less than 4 times within the original context, fully below once (Llama 3.1)."""
    turns_F = original * frequencies_F / (2 * math.pi)
    kept_F = ((turns_F - 1) / (4 - 1)).clamp(0, 1)
    return frequencies_F * (kept_F + (1 - kept_F) / factor), 1.0


@slowed.register("yarn")
def _yarn(frequencies_F: Tensor, factor: float, original: int) -> tuple[Tensor, float]:
    """A ramp over the pairs, from the one that turns 32 times within the original context to the one that turns once;
    and larger scores for longer contexts (Peng et al. 2023)."""
    num_pairs = len(frequencies_F)
    theta = float(frequencies_F[1]) ** -num_pairs if num_pairs > 1 else 10_000.0

    def pair_of(turns: int) -> float:
        return num_pairs * math.log(original / (turns * 2 * math.pi)) / math.log(theta)

    low, high = max(math.floor(pair_of(32)), 0), min(math.ceil(pair_of(1)), 2 * num_pairs - 1)
    ramp_F = ((torch.arange(num_pairs) - low) / max(high - low, 0.001)).clamp(0, 1)
    return frequencies_F * (1 - ramp_F + ramp_F / factor), 0.1 * math.log(factor) + 1.0


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
