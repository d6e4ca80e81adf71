"""Token embedding and, tied or not, the output matrix that turns hidden states into logits.

Tied (Press and Wolf 2017): one (V, D) matrix for both; half of a small model's parameters would be spent twice.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig


class Embedding(nn.Module):
    """ids_BT -> x_BTD, and hidden_BTD -> logits_BTV by `logits`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.tokens = nn.Embedding(config.vocabulary_size, config.width)
        self.head = None if config.tied else nn.Linear(config.width, config.vocabulary_size, bias=False)

    def forward(self, ids_BT: Tensor) -> Tensor:
        return self.tokens(ids_BT)

    @property
    def output_weight(self) -> Tensor:
        """The (V, D) matrix of the logits."""
        return self.tokens.weight if self.head is None else self.head.weight

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the next token."""
        return F.linear(hidden_BTD, self.output_weight)
