"""Mixture of experts: a router sends each token through the best k of E feed-forwards.

Weights are the softmax over the chosen k (Mixtral, Jiang et al. 2024). The load-balancing loss is Switch's (Fedus et al.
2021): E sum_e share_e probability_e, 1 when all experts are equally busy. Experts are computed one after the other:
plain and exact, no token is dropped for capacity; on many devices they would be spread out, which is not done here.

B batch, T time, D width, N = B T tokens, E experts, k chosen.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.layers.feedforward import feedforwards


class Experts(nn.Module):
    """See the module. `balance` is the load-balancing loss of the last forward pass in training, else None."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.chosen = config.experts_per_token
        self.router = nn.Linear(config.width, config.num_experts, bias=False)
        make = feedforwards.get(config.feedforward)
        self.experts = nn.ModuleList(make(config) for _ in range(config.num_experts))
        self.balance: Tensor | None = None

    def forward(self, x_BTD: Tensor) -> Tensor:
        x_ND = x_BTD.reshape(-1, x_BTD.shape[-1])
        scores_NE = self.router(x_ND).float()
        best_Nk, experts_Nk = scores_NE.topk(self.chosen, dim=-1)
        weights_Nk = best_Nk.softmax(-1).to(x_ND.dtype)
        y_ND = torch.zeros_like(x_ND)
        for number, expert in enumerate(self.experts):
            tokens, places = (experts_Nk == number).nonzero(as_tuple=True)
            if len(tokens):
                made = expert(x_ND[tokens]) * weights_Nk[tokens, places].unsqueeze(-1)
                y_ND = y_ND.index_add(0, tokens, made.to(y_ND.dtype))
        self.balance = self._balance(scores_NE, experts_Nk) if self.training else None
        return y_ND.view_as(x_BTD)

    def _balance(self, scores_NE: Tensor, experts_Nk: Tensor) -> Tensor:
        num_experts = scores_NE.shape[-1]
        share_E = F.one_hot(experts_Nk, num_experts).float().mean((0, 1))
        return num_experts * (share_E * scores_NE.softmax(-1).mean(0)).sum()
