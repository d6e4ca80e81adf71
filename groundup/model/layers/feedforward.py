"""Feed-forwards by name. B batch, T time, D width, F inner width.

    plain   down(activation(up(x)))             gelu, gelu_tanh, relu, relu2 (So et al. 2021)
    gated   down(activation(gate(x)) * up(x))   swiglu, geglu, geglu_exact (Shazeer 2020)

To add one: a subclass of Plain or Gated (or any module of a config), registered under its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.core.registry import Registry
from groundup.model.config import ModelConfig

feedforwards: Registry[Callable[[ModelConfig], nn.Module]] = Registry("feed-forward")


class Plain(nn.Module):
    """Two matrices with an activation between them."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.up = nn.Linear(config.width, config.feedforward_width, bias=config.bias)
        self.down = nn.Linear(config.feedforward_width, config.width, bias=config.bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        return self.down(self.activate(self.up(x_BTD)))

    def activate(self, x_BTF: Tensor) -> Tensor:
        raise NotImplementedError


class Gated(nn.Module):
    """Three matrices: one decides how much of the other passes."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate = nn.Linear(config.width, config.feedforward_width, bias=config.bias)
        self.up = nn.Linear(config.width, config.feedforward_width, bias=config.bias)
        self.down = nn.Linear(config.feedforward_width, config.width, bias=config.bias)

    def forward(self, x_BTD: Tensor) -> Tensor:
        gate_BTF, up_BTF = self.gate(x_BTD), self.up(x_BTD)
        return self.down(self.activate(gate_BTF) * up_BTF)

    def activate(self, x_BTF: Tensor) -> Tensor:
        raise NotImplementedError


@feedforwards.register("swiglu")
class SwiGLU(Gated):
    """The feed-forward of Llama and Qwen."""

    def forward(self, x_BTD: Tensor) -> Tensor:
        gated_BTF: Tensor = _SwiGLU.apply(self.gate(x_BTD), self.up(x_BTD))
        return self.down(gated_BTF)

    def activate(self, x_BTF: Tensor) -> Tensor:
        return F.silu(x_BTF)


class _SwiGLU(torch.autograd.Function):
    """silu(gate) * up. Eager autograd would keep silu(gate) too, a quarter of the feed-forward's memory: it is made again."""

    @staticmethod
    def forward(ctx: Any, gate: Tensor, up: Tensor) -> Tensor:
        ctx.save_for_backward(gate, up)
        return F.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        gate, up = ctx.saved_tensors
        return torch.ops.aten.silu_backward(grad * up, gate), F.silu(gate).mul_(grad)


@feedforwards.register("geglu")
class GeGLU(Gated):
    """Gated by GELU in its tanh form (T5 1.1, Gemma)."""

    def activate(self, x_BTF: Tensor) -> Tensor:
        return F.gelu(x_BTF, approximate="tanh")


@feedforwards.register("geglu_exact")
class ExactGeGLU(Gated):
    """Gated by GELU itself (ModernBERT)."""

    def activate(self, x_BTF: Tensor) -> Tensor:
        return F.gelu(x_BTF)


@feedforwards.register("gelu")
class Gelu(Plain):
    """Hendrycks and Gimpel 2016, exact (BERT)."""

    def activate(self, x_BTF: Tensor) -> Tensor:
        return F.gelu(x_BTF)


@feedforwards.register("gelu_tanh")
class GeluTanh(Plain):
    """The tanh form (GPT-2)."""

    def activate(self, x_BTF: Tensor) -> Tensor:
        return F.gelu(x_BTF, approximate="tanh")


@feedforwards.register("relu")
class Relu(Plain):
    """The original Transformer, T5."""

    def activate(self, x_BTF: Tensor) -> Tensor:
        return F.relu(x_BTF)


@feedforwards.register("relu2")
class Relu2(Plain):
    """ReLU squared (So et al. 2021; nanochat)."""

    def activate(self, x_BTF: Tensor) -> Tensor:
        return F.relu(x_BTF).square()
