"""Encoder-decoder: one half reads the source both ways, the other writes the target and looks at what was read.

position = "sinusoidal"   the original Transformer (Vaswani et al. 2017): post-norm LayerNorm, ReLU, biases, one matrix for
                          both embeddings and the output, embeddings times sqrt(D)
position = "relative"     T5 (Raffel et al. 2020): pre-norm RMSNorm, no biases, relative positions shared by all layers,
                          scores not divided by sqrt(K), tied hidden states divided by sqrt(D)

B batch, S source time, T target time, D width, V vocabulary.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.norm import norms
from groundup.model.layers.places import places
from groundup.model.mixed_block import Look, MixedBlock


class Half(nn.Module):
    """Position, blocks, last norm: the encoder, or with `decoder` the half that writes."""

    def __init__(self, config: ModelConfig, *, decoder: bool) -> None:
        super().__init__()
        self.dropout, self.decoder = config.dropout, decoder
        scaled = config.position != "relative"
        depth = config.decoder_depth if decoder else config.depth
        self.place = places.get(config.position)(config, bidirectional=not decoder)
        self.blocks = nn.ModuleList(MixedBlock(config, n, cross=decoder, scaled=scaled) for n in range(depth))
        last = config.norm if config.norm_place == "pre" else "none"
        self.norm = norms.get(last)(config.width, config.norm_epsilon)

    def forward(
        self, x_BTD: Tensor, *, real_BT: Tensor | None, source_BSD: Tensor | None, source_real_BS: Tensor | None
    ) -> Tensor:
        """real_BT: False where the encoder's row is only filled up; a decoder's row ends in what nobody looks at."""
        positions_BT = torch.arange(x_BTD.shape[1], device=x_BTD.device).unsqueeze(0)
        x_BTD = self._drop(self.place.add(x_BTD, positions_BT))
        look = Look(
            turned=self.place.turn(positions_BT, x_BTD),
            scores=self.place.scores(positions_BT, x_BTD.shape[1]),
            visible=None if real_BT is None else real_BT[:, None, None, :],
            causal=self.decoder,
        )
        source_visible = None if source_real_BS is None else source_real_BS[:, None, None, :]
        for block in self.blocks:
            x_BTD = block(x_BTD, look, source_BSD=source_BSD, source_visible=source_visible)
        return self._drop(self.norm(x_BTD))

    def _drop(self, x_BTD: Tensor) -> Tensor:
        return F.dropout(x_BTD, self.dropout, self.training) if self.dropout else x_BTD


class EncoderDecoder(nn.Module):
    """See the module. `forward` reads and writes at once, as training does; `encode` and `decode` are its two halves."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config)
        self.encoder = Half(config, decoder=False)
        self.decoder = Half(config, decoder=True)
        original = config.position == "sinusoidal"
        self.embedding_scale = math.sqrt(config.width) if original else 1.0
        self.output_scale = config.width**-0.5 if not original and config.tied else 1.0

    def forward(self, ids_BT: Tensor, *, source_BS: Tensor, source_real_BS: Tensor | None = None) -> Tensor:
        """Hidden states (B, T, D) of the target ids_BT (the start token first), ready for `logits`."""
        return self.decode(ids_BT, self.encode(source_BS, source_real_BS), source_real_BS)

    def encode(self, source_BS: Tensor, source_real_BS: Tensor | None = None) -> Tensor:
        """What was read, (B, S, D). source_real_BS: False where a row is only filled up."""
        x_BSD = self.embedding(source_BS) * self.embedding_scale
        return self.encoder(x_BSD, real_BT=source_real_BS, source_BSD=None, source_real_BS=None)

    def decode(self, ids_BT: Tensor, source_BSD: Tensor, source_real_BS: Tensor | None = None) -> Tensor:
        """Hidden states (B, T, D) of a target, given what `encode` read."""
        x_BTD = self.embedding(ids_BT) * self.embedding_scale
        hidden_BTD = self.decoder(x_BTD, real_BT=None, source_BSD=source_BSD, source_real_BS=source_real_BS)
        return hidden_BTD * self.output_scale

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, T, V) of the target token after each position."""
        return self.embedding.logits(hidden_BTD)

    @property
    def output_weight(self) -> Tensor:
        """The (V, D) matrix of the logits."""
        return self.embedding.output_weight

    @torch.no_grad()
    def num_parameters(self) -> int:
        """Trainable numbers; a tied matrix counts once."""
        return sum(parameter.numel() for parameter in self.parameters())
