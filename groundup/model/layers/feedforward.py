"""SwiGLU (Shazeer 2020): down(silu(gate(x)) * up(x)). B batch, T time, D width, F inner width."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig


class SwiGLU(nn.Module):
    """The gated feed-forward of Llama and Qwen."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate = nn.Linear(config.width, config.feedforward_width, bias=False)
        self.up = nn.Linear(config.width, config.feedforward_width, bias=False)
        self.down = nn.Linear(config.feedforward_width, config.width, bias=False)

    def forward(self, x_BTD: Tensor) -> Tensor:
        gate_BTF, up_BTF = self.gate(x_BTD), self.up(x_BTD)
        return self.down(F.silu(gate_BTF) * up_BTF)
