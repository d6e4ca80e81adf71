"""Causal self-attention with grouped queries, QK-norm and RoPE (the Qwen3 layout), through PyTorch's SDPA
(on CPUs, for short rows, through products of our own: blocked.py).

B batch, T time, D width, H query heads, G key/value heads, K head size, S source time (cache + T).
Ainslie et al. 2023 (grouped queries); Henry et al. 2020 (QK-norm).
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.layers.blocked import LONGEST, blocked_attention
from groundup.model.layers.norm import RMSNorm
from groundup.model.layers.position import rotate


class Cache(Protocol):
    """Keys and values of earlier tokens. `update` stores one layer's new ones and returns all of them."""

    length: int

    def update(self, layer: int, k_BGTK: Tensor, v_BGTK: Tensor) -> tuple[Tensor, Tensor]: ...


class Attention(nn.Module):
    """One attention layer; `layer` is its index, which names its place in the cache."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.head_dim = config.head_dim
        self.groups = config.num_heads // config.num_kv_heads
        self.dropout = config.dropout
        inner, inner_kv = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        self.query = nn.Linear(config.width, inner, bias=False)
        self.key = nn.Linear(config.width, inner_kv, bias=False)
        self.value = nn.Linear(config.width, inner_kv, bias=False)
        self.output = nn.Linear(inner, config.width, bias=False)
        self.query_norm = RMSNorm(config.head_dim, config.norm_epsilon)
        self.key_norm = RMSNorm(config.head_dim, config.norm_epsilon)

    def forward(
        self,
        x_BTD: Tensor,
        rotary: tuple[Tensor, Tensor],
        cache: Cache | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """mask: True where looking is allowed, broadcast to (B, H, T, S); None: plain causal (or one new token)."""
        B, T, _ = x_BTD.shape
        # (B, T, heads * K) -> (B, T, heads, K), normed per head -> (B, heads, T, K)
        q_BHTK = self.query_norm(self.query(x_BTD).view(B, T, -1, self.head_dim)).transpose(1, 2)
        k_BGTK = self.key_norm(self.key(x_BTD).view(B, T, -1, self.head_dim)).transpose(1, 2)
        v_BGTK = self.value(x_BTD).view(B, T, -1, self.head_dim).transpose(1, 2)
        q_BHTK, k_BGTK = rotate(q_BHTK, *rotary), rotate(k_BGTK, *rotary)
        if cache is not None:
            k_BGTK, v_BGTK = cache.update(self.layer, k_BGTK, v_BGTK)
        if self.groups > 1:
            k_BGTK = k_BGTK.repeat_interleave(self.groups, dim=1)
            v_BGTK = v_BGTK.repeat_interleave(self.groups, dim=1)
        dropout = self.dropout if self.training else 0.0
        if mask is None and cache is None and dropout == 0 and x_BTD.device.type == "cpu" and 1 < T <= LONGEST:
            y_BHTK = blocked_attention(q_BHTK, k_BGTK, v_BGTK)
        else:
            y_BHTK = F.scaled_dot_product_attention(
                q_BHTK, k_BGTK, v_BGTK, attn_mask=mask, dropout_p=dropout, is_causal=mask is None and T > 1
            )
        return self.output(y_BHTK.transpose(1, 2).reshape(B, T, -1))


def causal_mask(start: int, length: int, device: torch.device) -> Tensor:
    """(T, S) True where position start + t may look at position s: needed when a cache already holds `start` tokens."""
    return torch.ones(length, start + length, dtype=torch.bool, device=device).tril(start)


def document_mask(documents_BT: Tensor) -> Tensor:
    """(B, 1, T, T) True within the same document and not ahead: packed neighbours cannot see each other."""
    T = documents_BT.shape[1]
    same_BTT = documents_BT.unsqueeze(2) == documents_BT.unsqueeze(1)
    return (same_BTT & causal_mask(0, T, documents_BT.device)).unsqueeze(1)
