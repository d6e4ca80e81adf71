"""The default model: a decoder-only Transformer in the Qwen3 layout, from ids to hidden states to logits.

tokens -> embedding -> depth x [norm, attention, + ; norm, SwiGLU, +] -> norm -> (output matrix) logits

B batch, T time, D width, V vocabulary, S source time (cache + T).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from groundup.model.block import Block
from groundup.model.config import ModelConfig
from groundup.model.layers.attention import Cache, causal_mask, document_mask
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.norm import RMSNorm
from groundup.model.layers.position import Rotary


class GPT(nn.Module):
    """See the module. `forward` stops at the hidden states, so that a loss need not materialise all logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config)
        self.rotary = Rotary.of(config)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.depth))
        self.norm = RMSNorm(config.width, config.norm_epsilon)

    def forward(self, ids_BT: Tensor, cache: Cache | None = None, documents_BT: Tensor | None = None) -> Tensor:
        """Hidden states (B, T, D), normed: ready for `logits`.

        cache: keys and values of the `cache.length` tokens before ids_BT; it is filled on the way. A cache of rows
        of different lengths may carry `positions_BT` (of these ids) and `mask_BTS` (True: may look).
        documents_BT: number of each token's document; tokens then look only into their own (packing).
        """
        return self.hidden_states(self.embedding(ids_BT), cache, documents_BT)

    def hidden_states(self, x_BTD: Tensor, cache: Cache | None = None, documents_BT: Tensor | None = None) -> Tensor:
        """As `forward`, from embedded tokens (explanations move through the embeddings)."""
        start, length = (cache.length if cache is not None else 0), x_BTD.shape[1]
        positions_BT = getattr(cache, "positions_BT", None)
        mask_BTS = getattr(cache, "mask_BTS", None)
        mask: Tensor | None = None
        if mask_BTS is not None:
            mask = mask_BTS.unsqueeze(1)
        elif documents_BT is not None:
            if start:
                raise ValueError("documents_BT is for packed training rows; a cache holds one document a row")
            mask = document_mask(documents_BT)
        elif start and length > 1:
            mask = causal_mask(start, length, x_BTD.device)
        rotary = self.rotary(start, length, x_BTD) if positions_BT is None else self.rotary.at(positions_BT, x_BTD)
        for block in self.blocks:
            x_BTD = block(x_BTD, rotary, cache, mask)
        return self.norm(x_BTD)

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, T, V) of the token after each position."""
        return self.embedding.logits(hidden_BTD)

    @property
    def output_weight(self) -> Tensor:
        """The (V, D) matrix of the logits, for losses that go through it in chunks."""
        return self.embedding.output_weight

    @torch.no_grad()
    def num_parameters(self) -> int:
        """Trainable numbers; a tied matrix counts once."""
        return sum(parameter.numel() for parameter in self.parameters())
