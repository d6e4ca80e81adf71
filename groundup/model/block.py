"""One layer of the default model: attention and feed-forward, each behind a norm and added to the stream (pre-norm)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.layers.attention import Attention, Cache
from groundup.model.layers.feedforward import SwiGLU
from groundup.model.layers.norm import RMSNorm


class Block(nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x))."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.dropout = config.dropout
        self.attention_norm = RMSNorm(config.width, config.norm_epsilon)
        self.attention = Attention(config, layer)
        self.feedforward_norm = RMSNorm(config.width, config.norm_epsilon)
        self.feedforward = SwiGLU(config)

    def forward(
        self, x_BTD: Tensor, rotary: tuple[Tensor, Tensor], cache: Cache | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """mask: as in Attention."""
        x_BTD = x_BTD + self._drop(self.attention(self.attention_norm(x_BTD), rotary, cache, mask))
        return x_BTD + self._drop(self.feedforward(self.feedforward_norm(x_BTD)))

    def _drop(self, x_BTD: Tensor) -> Tensor:
        return F.dropout(x_BTD, self.dropout, self.training) if self.dropout else x_BTD
