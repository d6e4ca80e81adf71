"""A modern BERT (Warner et al. 2024, ModernBERT): rotary positions, local and global layers, and no padding computed.

tokens -> norm -> depth x [norm, attention, + ; norm, gated GELU, +] -> norm
    -> head: dense, GELU, norm, tied output matrix with a bias      (which word was here?)

The first of every `global_every` layers sees a whole text, the others `window` / 2 tokens to each side. Norms have no
biases, linear layers neither; the first layer reads the embedding's norm and has none of its own before attention. The
family bert with position = "rope" is this one.

Texts are laid end to end (N = all real tokens of a batch), so that what fills up a row is never computed; attention
runs over each text by itself, texts of one length together.

B batch, T time, N real tokens, L tokens of a text, D width, H heads, K head size, F inner width, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.layers.blocked import blocked_attention, plain_reach
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.feedforward import feedforwards
from groundup.model.layers.norm import norms
from groundup.model.layers.position import Rotary, rotate


@dataclass(frozen=True)
class Texts:
    """Texts end to end: where each begins, by length. places_GL: (texts of one length, L), numbers of the N tokens."""

    by_length: tuple[Tensor, ...]
    global_turn: tuple[Tensor, Tensor]
    local_turn: tuple[Tensor, Tensor]


class Attention(nn.Module):
    """Every token looks both ways; reach: how far (None: over the whole text)."""

    def __init__(self, config: ModelConfig, reach: int | None) -> None:
        super().__init__()
        self.head_dim, self.reach, self.dropout = config.head_dim, reach, config.dropout
        inner = config.num_heads * config.head_dim
        self.query = nn.Linear(config.width, inner, bias=False)
        self.key = nn.Linear(config.width, inner, bias=False)
        self.value = nn.Linear(config.width, inner, bias=False)
        self.output = nn.Linear(inner, config.width, bias=False)

    def forward(self, x_ND: Tensor, texts: Texts) -> Tensor:
        turn = texts.global_turn if self.reach is None else texts.local_turn
        # (N, H * K) -> (1, H, N, K) -> (N, H, K)
        q, k, v = (layer(x_ND).view(1, len(x_ND), -1, self.head_dim) for layer in (self.query, self.key, self.value))
        q, k = (rotate(one.transpose(1, 2), *turn).transpose(1, 2) for one in (q, k))
        y_NHK = torch.empty_like(v[0])
        for places_GL in texts.by_length:
            q_GHLK, k_GHLK, v_GHLK = (one[0][places_GL].transpose(1, 2) for one in (q, k, v))
            made_GHLK = self._attend(q_GHLK.to(v.dtype), k_GHLK.to(v.dtype), v_GHLK)
            y_NHK = y_NHK.index_put((places_GL,), made_GHLK.transpose(1, 2).to(y_NHK.dtype))
        return self.output(y_NHK.flatten(1))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        dropout, length = self.dropout if self.training else 0.0, q.shape[2]
        local = self.reach is not None and self.reach < length - 1
        if local and not dropout and q.device.type == "cpu":
            return blocked_attention(q, k, v, before=self.reach, after=self.reach or 0)
        mask = plain_reach(length, self.reach or 0, self.reach or 0, q.device) if local else None
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)


class Block(nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x))."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.dropout = config.dropout
        norm = norms.get(config.norm)
        whole = not config.window or (config.global_every > 0 and layer % config.global_every == 0)
        self.attention_norm = norm(config.width, config.norm_epsilon) if layer else nn.Identity()
        self.attention = Attention(config, None if whole else config.window // 2)
        self.feedforward_norm = norm(config.width, config.norm_epsilon)
        self.feedforward = feedforwards.get(config.feedforward)(config)

    def forward(self, x_ND: Tensor, texts: Texts) -> Tensor:
        x_ND = x_ND + _dropped(self, self.attention(self.attention_norm(x_ND), texts))
        return x_ND + _dropped(self, self.feedforward(self.feedforward_norm(x_ND)))


class Head(nn.Module):
    """Hidden states to what the output matrix reads: dense, GELU, norm; and the bias of the logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width, bias=False)
        self.norm = norms.get(config.norm)(config.width, config.norm_epsilon)
        self.bias = nn.Parameter(torch.zeros(config.vocabulary_size))

    def forward(self, hidden_ND: Tensor) -> Tensor:
        return self.norm(F.gelu(self.dense(hidden_ND)))


class ModernBERT(nn.Module):
    """See the module. The calls of the original BERT (families/bert.py), without next-sentence prediction."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config, self.dropout = config, config.dropout
        self.embedding = Embedding(config)
        self.embedding_norm = norms.get(config.norm)(config.width, config.norm_epsilon)
        self.rotary = Rotary(config.head_dim, config.rope_theta)
        self.local_rotary = Rotary(config.head_dim, config.local_theta)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.depth))
        self.norm = norms.get(config.norm)(config.width, config.norm_epsilon)
        self.head = Head(config)

    def forward(
        self,
        ids_BT: Tensor,
        *,
        real_BT: Tensor | None = None,
        segments_BT: Tensor | None = None,
        documents_BT: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (B, T, D), zero where a row is only filled up. real_BT: False there. documents_BT: number of each
        token's document; documents packed into one row do not see each other. segments_BT is ignored: it has none."""
        B, T = ids_BT.shape
        real_BT = torch.ones_like(ids_BT, dtype=torch.bool) if real_BT is None else real_BT
        at_N = real_BT.flatten().nonzero().squeeze(1)
        x_ND = self.embedding_norm(self.embedding(ids_BT.flatten()[at_N]))
        x_ND = _dropped(self, x_ND)
        texts = self._texts(real_BT, documents_BT, at_N, x_ND)
        for block in self.blocks:
            x_ND = block(x_ND, texts)
        x_ND = self.norm(x_ND)
        return x_ND.new_zeros(B * T, x_ND.shape[1]).index_copy(0, at_N, x_ND).view(B, T, -1)

    def _texts(self, real_BT: Tensor, documents_BT: Tensor | None, at_N: Tensor, like: Tensor) -> Texts:
        row_N = at_N // real_BT.shape[1]
        borders_N = row_N[1:] != row_N[:-1]
        if documents_BT is not None:
            document_N = documents_BT.flatten()[at_N]
            borders_N = borders_N | (document_N[1:] != document_N[:-1])
        ends = [*(borders_N.nonzero().squeeze(1) + 1).tolist(), len(at_N)]
        starts = [0, *ends[:-1]]
        grouped: dict[int, list[int]] = {}
        for start, end in zip(starts, ends, strict=True):
            grouped.setdefault(end - start, []).append(start)
        by_length = tuple(
            torch.tensor(begun, device=at_N.device).unsqueeze(1) + torch.arange(length, device=at_N.device)
            for length, begun in sorted(grouped.items())
        )
        # Positions count from the start of a text; a shift would change no score, but other rows would see other bits.
        positions_1N = torch.cat([torch.arange(end - start) for start, end in zip(starts, ends, strict=True)])
        positions_1N = positions_1N.to(at_N.device).unsqueeze(0)
        turns = (rotary.at(positions_1N, like) for rotary in (self.rotary, self.local_rotary))
        return Texts(by_length, *turns)

    def head_states(self, hidden_ND: Tensor) -> Tensor:
        """What `output_weight` and `output_bias` turn into logits: losses take it for the masked places only."""
        return self.head(hidden_ND)

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, T, V) of the word AT each place."""
        return self.embedding.logits(self.head(hidden_BTD)) + self.head.bias

    def pooled(self, hidden_BTD: Tensor) -> Tensor:
        """(B, D): the first position through the head, as its classifiers read it."""
        return self.head(hidden_BTD[:, 0])

    @property
    def output_weight(self) -> Tensor:
        """The (V, D) matrix of the logits: the token embedding."""
        return self.embedding.output_weight

    @property
    def output_bias(self) -> Tensor:
        """(V,)"""
        return self.head.bias

    @torch.no_grad()
    def num_parameters(self) -> int:
        """Trainable numbers; the tied matrix counts once."""
        return sum(parameter.numel() for parameter in self.parameters())


def _dropped(module: Block | ModernBERT, x_ND: Tensor) -> Tensor:
    return F.dropout(x_ND, module.dropout, module.training) if module.dropout else x_ND
