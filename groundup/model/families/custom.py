"""A decoder of any parts, by names from the recipe: norm, its place, position, attention, feed-forward, experts.

tokens -> embedding (+ position) -> depth x MixedBlock -> norm (pre-norm only) -> logits (capped, where wanted)

GPT-2, Llama, Mistral, SmolLM3 and OLMo 2 are configs of this family: see convert/.
B batch, T time, D width, V vocabulary, S source time (cache + T).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.layers.attention import Cache
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.experts import Experts
from groundup.model.layers.norm import norms
from groundup.model.layers.places import Place, places
from groundup.model.mixed_block import Look, MixedBlock

BALANCE = 0.01  # weight of the load-balancing loss, a layer (Switch Transformer)


def each_nth(n: int, layer: int) -> bool:
    """True for the last of every n layers; for none when n is 0."""
    return n > 0 and layer % n == n - 1


class Custom(nn.Module):
    """See the module. The same calls as the default model: engine, losses and tuning do not tell them apart."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config)
        self.place: Place = places.get(config.position)(config)
        self.blocks = nn.ModuleList(MixedBlock(config, layer) for layer in range(config.depth))
        last = config.norm if config.norm_place != "post" else "none"  # post-norm ends with a norm in each layer
        self.norm = norms.get(last)(config.width, config.norm_epsilon)

    def forward(self, ids_BT: Tensor, cache: Cache | None = None, documents_BT: Tensor | None = None) -> Tensor:
        """Hidden states (B, T, D), ready for `logits`. cache, documents_BT: as in families/gpt.py."""
        return self.hidden_states(self.embedding(ids_BT), cache, documents_BT)

    def hidden_states(self, x_BTD: Tensor, cache: Cache | None = None, documents_BT: Tensor | None = None) -> Tensor:
        """As `forward`, from embedded tokens."""
        start, T = (cache.length if cache is not None else 0), x_BTD.shape[1]
        if start and documents_BT is not None:
            raise ValueError("documents_BT is for packed training rows; a cache holds one document a row")
        positions_BT = getattr(cache, "positions_BT", None)
        if positions_BT is None:
            positions_BT = torch.arange(start, start + T, device=x_BTD.device).unsqueeze(0)
        x_BTD = self.place.add(x_BTD, positions_BT)
        if self.config.dropout:
            x_BTD = F.dropout(x_BTD, self.config.dropout, self.training)
        for block, look in zip(
            self.blocks, self._looks(x_BTD, positions_BT, start + T, cache, documents_BT), strict=True
        ):
            x_BTD = block(x_BTD, look, cache=cache)
        return self.norm(x_BTD)

    def _looks(
        self, x_BTD: Tensor, positions_BT: Tensor, num_keys: int, cache: Cache | None, documents_BT: Tensor | None
    ) -> list[Look]:
        """How each layer looks: some without the window, some without positions."""
        config = self.config
        turned, scores = self.place.turn(positions_BT, x_BTD), self.place.scores(positions_BT, num_keys)
        near = self._visible(positions_BT, num_keys, cache, documents_BT, config.window)
        far = self._visible(positions_BT, num_keys, cache, documents_BT, 0) if config.global_every else near
        return [
            Look(
                turned=None if each_nth(config.nope_every, layer) else turned,
                scores=scores,
                visible=far if each_nth(config.global_every, layer) else near,
                causal=True,
            )
            for layer in range(config.depth)
        ]

    def _visible(
        self, positions_BT: Tensor, num_keys: int, cache: Cache | None, documents_BT: Tensor | None, window: int
    ) -> Tensor | None:
        """(B or 1, 1, T, S) True where looking is allowed; None: plain causal."""
        if cache is None and documents_BT is None and not window:
            return None
        keys_S = torch.arange(num_keys, device=positions_BT.device)
        back_BTS = positions_BT.unsqueeze(-1) - keys_S
        visible_BTS = back_BTS >= 0
        if window:
            visible_BTS &= back_BTS < window
        if documents_BT is not None:
            visible_BTS = visible_BTS & (documents_BT.unsqueeze(2) == documents_BT.unsqueeze(1))
        return visible_BTS.unsqueeze(1)

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, T, V) of the token after each position."""
        logits_BTV = self.embedding.logits(hidden_BTD)
        cap = self.config.logit_softcap
        return cap * torch.tanh(logits_BTV / cap) if cap else logits_BTV

    @property
    def output_weight(self) -> Tensor:
        """The (V, D) matrix of the logits, for losses that go through it in chunks."""
        return self.embedding.output_weight

    def auxiliary_loss(self) -> Tensor | None:
        """What the last forward pass in training adds to the mean loss per token: the balance of the experts."""
        found = [block.feedforward.balance for block in self.blocks if isinstance(block.feedforward, Experts)]
        balances = [balance for balance in found if balance is not None]
        return BALANCE * torch.stack(balances).sum() if balances else None

    @torch.no_grad()
    def num_parameters(self) -> int:
        """Trainable numbers; a tied matrix counts once."""
        return sum(parameter.numel() for parameter in self.parameters())
