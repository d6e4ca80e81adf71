"""BERT (Devlin et al. 2019), the original layout: an encoder that fills in masked words and tells what follows what.

tokens + positions + segments -> norm -> depth x [attention, + norm; GELU feed-forward, + norm]
    -> head: dense, GELU, norm, tied output matrix with a bias      (which word was here?)
    -> pooler: tanh(dense(first position)) -> 2 logits              (does the second text follow the first?)

B batch, T time, D width, V vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.norm import norms
from groundup.model.layers.places import places
from groundup.model.mixed_block import Look, MixedBlock


class Head(nn.Module):
    """Hidden states to what the output matrix reads: dense, GELU, norm; and the bias of the logits."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width)
        self.norm = norms.get(config.norm)(config.width, config.norm_epsilon)
        self.bias = nn.Parameter(torch.zeros(config.vocabulary_size))

    def forward(self, hidden_BTD: Tensor) -> Tensor:
        return self.norm(F.gelu(self.dense(hidden_BTD)))


class BERT(nn.Module):
    """See the module. It reads both ways, so it fills gaps and reads, but does not continue a text."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config)
        self.place = places.get(config.position)(config, bidirectional=True)
        self.segment_embedding = nn.Embedding(config.num_segments, config.width)
        self.norm = norms.get(config.norm)(config.width, config.norm_epsilon)
        self.blocks = nn.ModuleList(MixedBlock(config, layer) for layer in range(config.depth))
        self.pooler = nn.Linear(config.width, config.width)
        self.head = Head(config)
        self.next_sentence = nn.Linear(config.width, 2)

    def forward(
        self,
        ids_BT: Tensor,
        *,
        real_BT: Tensor | None = None,
        segments_BT: Tensor | None = None,
        documents_BT: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (B, T, D). real_BT: False where a row is only filled up. segments_BT: 0 first text, 1 second.
        documents_BT: number of each token's document; documents packed into one row do not see each other."""
        positions_BT = torch.arange(ids_BT.shape[1], device=ids_BT.device).unsqueeze(0)
        segments_BT = torch.zeros_like(ids_BT) if segments_BT is None else segments_BT
        x_BTD = self.place.add(self.embedding(ids_BT) + self.segment_embedding(segments_BT), positions_BT)
        x_BTD = self.norm(x_BTD)
        if self.config.dropout:
            x_BTD = F.dropout(x_BTD, self.config.dropout, self.training)
        visible = None if real_BT is None else real_BT[:, None, None, :]
        if documents_BT is not None:
            same_B1TT = (documents_BT.unsqueeze(2) == documents_BT.unsqueeze(1)).unsqueeze(1)
            visible = same_B1TT if visible is None else same_B1TT & visible
        look = Look(visible=visible)
        for block in self.blocks:
            x_BTD = block(x_BTD, look)
        return x_BTD

    def head_states(self, hidden_ND: Tensor) -> Tensor:
        """What `output_weight` and `output_bias` turn into logits: losses take it for the masked places only."""
        return self.head(hidden_ND)

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, T, V) of the word AT each place."""
        return self.embedding.logits(self.head(hidden_BTD)) + self.head.bias

    def follows(self, hidden_BTD: Tensor) -> Tensor:
        """(B, 2) logits: [the second text follows the first, it does not], read from the first position."""
        return self.next_sentence(self.pooled(hidden_BTD))

    def pooled(self, hidden_BTD: Tensor) -> Tensor:
        """(B, D): the first position through tanh(dense)."""
        return torch.tanh(self.pooler(hidden_BTD[:, 0]))

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
