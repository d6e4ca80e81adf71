"""Attention with every choice open: biases, QK-norm, grouped queries, softcap, added scores, another source to look at.

The default model has its own leaner one (attention.py). B batch, T time, S source time, D width, H query heads,
G key/value heads, K head size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.layers.attention import Cache
from groundup.model.layers.blocked import LONGEST, blocked_attention
from groundup.model.layers.norm import norms
from groundup.model.layers.position import rotate


class MixedAttention(nn.Module):
    """`layer`: its place in the cache. scaled: scores are divided by sqrt(K); T5 leaves that to the first weights."""

    def __init__(self, config: ModelConfig, layer: int, *, scaled: bool = True) -> None:
        super().__init__()
        self.layer = layer
        self.head_dim = config.head_dim
        self.groups = config.num_heads // config.num_kv_heads
        self.dropout = config.dropout
        self.softcap = config.attention_softcap
        self.scaled, self.scale = scaled, config.head_dim**-0.5 if scaled else 1.0
        inner, inner_kv = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        self.query = nn.Linear(config.width, inner, bias=config.bias)
        self.key = nn.Linear(config.width, inner_kv, bias=config.bias)
        self.value = nn.Linear(config.width, inner_kv, bias=config.bias)
        self.output = nn.Linear(inner, config.width, bias=config.bias)
        # "none" has no norm to take for queries and keys either; RMS is what QK-norm was made with.
        make = norms.get(config.norm if config.norm != "none" else "rms")
        self.whole = config.qk_norm_whole
        widths = (inner, inner_kv) if self.whole else (config.head_dim, config.head_dim)
        self.query_norm = make(widths[0], config.norm_epsilon) if config.qk_norm else None
        self.key_norm = make(widths[1], config.norm_epsilon) if config.qk_norm else None

    def forward(
        self,
        x_BTD: Tensor,
        *,
        source_BSD: Tensor | None = None,
        turned: tuple[Tensor, Tensor] | None = None,
        scores: Tensor | None = None,
        visible: Tensor | None = None,
        causal: bool = False,
        cache: Cache | None = None,
    ) -> Tensor:
        """source_BSD: what is looked at, itself if None. turned: RoPE's (cos, sin). scores: to add, (B or 1, H, T, S).
        visible: True where looking is allowed, broadcast to (B, H, T, S). causal: without `visible`, nothing ahead.
        """
        B, T, _ = x_BTD.shape
        source_BSD = x_BTD if source_BSD is None else source_BSD
        q_BHTK = self._heads(self.query(x_BTD), self.query_norm)
        k_BGSK = self._heads(self.key(source_BSD), self.key_norm)
        v_BGSK = self._heads(self.value(source_BSD), None)
        if turned is not None:
            q_BHTK, k_BGSK = rotate(q_BHTK, *turned), rotate(k_BGSK, *turned)
        if cache is not None:
            k_BGSK, v_BGSK = cache.update(self.layer, k_BGSK, v_BGSK)
        if self.groups > 1:
            k_BGSK = k_BGSK.repeat_interleave(self.groups, dim=1)
            v_BGSK = v_BGSK.repeat_interleave(self.groups, dim=1)
        q_BHTK, k_BGSK = q_BHTK.to(v_BGSK.dtype), k_BGSK.to(v_BGSK.dtype)
        y_BHTK = self._attend(q_BHTK, k_BGSK, v_BGSK, scores, visible, causal and T > 1)
        return self.output(y_BHTK.transpose(1, 2).reshape(B, T, -1))

    def _heads(self, x_BTI: Tensor, norm: nn.Module | None) -> Tensor:
        """(B, T, heads * K) -> (B, heads, T, K), normed per head or as a whole where wanted."""
        if norm is not None and self.whole:
            x_BTI, norm = norm(x_BTI), None
        x_BTHK = x_BTI.view(*x_BTI.shape[:2], -1, self.head_dim)
        return (norm(x_BTHK) if norm is not None else x_BTHK).transpose(1, 2)

    def _attend(
        self, q: Tensor, k: Tensor, v: Tensor, scores: Tensor | None, visible: Tensor | None, causal: bool
    ) -> Tensor:
        dropout = self.dropout if self.training else 0.0
        plain = visible is None and scores is None and not self.softcap and not dropout and self.scaled
        if plain and causal and q.device.type == "cpu" and 1 < q.shape[2] == k.shape[2] <= LONGEST:
            return blocked_attention(q, k, v)
        if visible is None and causal and (scores is not None or self.softcap):
            visible = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril()
        if self.softcap:
            return self._attend_capped(q, k, v, scores, visible, dropout)
        mask = visible
        if scores is not None:
            mask = scores.to(q.dtype)
            if visible is not None:
                mask = mask.masked_fill(~visible, float("-inf"))
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal and mask is None, scale=self.scale
        )

    def _attend_capped(
        self, q: Tensor, k: Tensor, v: Tensor, scores: Tensor | None, visible: Tensor | None, dropout: float
    ) -> Tensor:
        """softcap tanh(scores / softcap) before the softmax (Gemma 2): written out, since no fused kernel caps."""
        all_BHTS = self.softcap * torch.tanh((q @ k.mT) * (self.scale / self.softcap))
        if scores is not None:
            all_BHTS = all_BHTS + scores.to(all_BHTS.dtype)
        if visible is not None:
            all_BHTS = all_BHTS.masked_fill(~visible, float("-inf"))
        return F.dropout(all_BHTS.softmax(-1).to(v.dtype), dropout) @ v
