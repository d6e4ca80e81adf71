"""The best small model we can make: a decoder of ingredients, each of which can be left out (nanochat, modded-nanogpt).

tokens -> embedding (+ the pair of this and the last token) -> depth x [attention, + ; feed-forward, +] -> norm -> logits

What the [model] table chooses as in any family: norm = "rms_bare" (no weights), feedforward = "relu2", qk_norm, window with
global_every (the last layer always sees everything), logit_softcap, tied = false. And `extras`, by name:

    embedding_norm     the embedding is normed before the first layer
    value_embeddings   every second layer adds a token's own vector to its values, as much as a gate lets through
    bigrams            a hashed table of pairs of tokens is added to the embedding; it starts at zero
    smear              a gate adds some of the last token's embedding to this one's
    residual_scalars   each layer reads a mix of the stream and the first embedding, two learned numbers a layer
    backout            a learned share of what the middle layer knew is taken away at the end
    sharp              scores are SHARPNESS times larger, since normed queries and keys cannot grow by themselves

Which of them pay was measured (docs/log.md, `python -m benchmarks.ablate`). Only we open its folder. No dropout: it is for
runs that see each text few times. Left out of nanochat's: multi-token prediction, attention gates, untied rates.

The last token is not in the cache of keys and values. `bigrams` and `smear` need it, so it is kept there as a layer of its
own, the first: its number in base 256, which every dtype holds exactly.

B batch, T time, D width, H query heads, G key/value heads, K head size, S source time, V vocabulary, P hashed pairs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.families.custom import each_nth
from groundup.model.layers.attention import Cache
from groundup.model.layers.blocked import LONGEST, blocked_attention
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.feedforward import feedforwards
from groundup.model.layers.norm import norms
from groundup.model.layers.position import Rotary, rotate

GATE_INPUTS = 12  # channels that a gate reads (nanochat)
SHARPNESS = 1.44  # 1.2 for queries and for keys (nanochat)
PAIRS_PER_TOKEN = 4  # rows of the pair table for each token of the vocabulary; modded-nanogpt has 5
DIGITS = 3  # of a token's number in base 256
# First values: the stream and the first embedding down the depth, and what is taken back (nanochat).
STREAM, FIRST, BACKOUT = (1.15, 1.05), (0.20, 0.05), 0.2

Mask = Tensor | None


class Attention(nn.Module):
    """`layer`: its place in the cache. Whoever may look where is handed in."""

    def __init__(self, config: ModelConfig, layer: int, cache_layer: int) -> None:
        super().__init__()
        self.cache_layer, self.head_dim = cache_layer, config.head_dim
        self.groups = config.num_heads // config.num_kv_heads
        self.scale = config.head_dim**-0.5 * (SHARPNESS if "sharp" in config.extras else 1.0)
        self.window = 0 if layer == config.depth - 1 or each_nth(config.global_every, layer) else config.window
        inner, inner_kv = config.num_heads * config.head_dim, config.num_kv_heads * config.head_dim
        self.query = nn.Linear(config.width, inner, bias=False)
        self.key = nn.Linear(config.width, inner_kv, bias=False)
        self.value = nn.Linear(config.width, inner_kv, bias=False)
        self.output = nn.Linear(inner, config.width, bias=False)
        make = norms.get(config.norm)
        self.query_norm = make(config.head_dim, config.norm_epsilon) if config.qk_norm else nn.Identity()
        self.key_norm = make(config.head_dim, config.norm_epsilon) if config.qk_norm else nn.Identity()
        # Every second layer, the last one among them.
        own = "value_embeddings" in config.extras and (config.depth - 1 - layer) % 2 == 0
        self.value_embedding = nn.Embedding(config.vocabulary_size, inner_kv) if own else None
        self.gate = nn.Linear(min(GATE_INPUTS, config.width), config.num_kv_heads, bias=False) if own else None

    def forward(
        self,
        x_BTD: Tensor,
        ids_BT: Tensor,
        turned: tuple[Tensor, Tensor],
        masks: tuple[Mask, Mask],
        cache: Cache | None,
    ) -> Tensor:
        """masks: (everything, the window), True where looking is allowed, broadcast to (B, H, T, S); None: plain causal."""
        B, T, _ = x_BTD.shape
        q_BTHK, k_BTGK, v_BTGK = (
            layer(x_BTD).view(B, T, -1, self.head_dim) for layer in (self.query, self.key, self.value)
        )
        if self.value_embedding is not None and self.gate is not None:
            open_BTG1 = 3 * torch.sigmoid(self.gate(x_BTD[..., : self.gate.in_features])).unsqueeze(-1)
            v_BTGK = v_BTGK + open_BTG1 * self.value_embedding(ids_BT).view_as(v_BTGK).to(v_BTGK.dtype)
        q_BHTK, k_BGTK = (
            rotate(norm(one).transpose(1, 2), *turned)
            for norm, one in ((self.query_norm, q_BTHK), (self.key_norm, k_BTGK))
        )
        v_BGTK = v_BTGK.transpose(1, 2)
        if cache is not None:
            k_BGTK, v_BGTK = cache.update(self.cache_layer, k_BGTK, v_BGTK)
        if self.groups > 1:
            k_BGTK, v_BGTK = (one.repeat_interleave(self.groups, dim=1) for one in (k_BGTK, v_BGTK))
        q_BHTK = q_BHTK * (self.scale * self.head_dim**0.5)
        y_BHTK = self._attend(q_BHTK.to(v_BGTK.dtype), k_BGTK.to(v_BGTK.dtype), v_BGTK, masks, cache is None)
        return self.output(y_BHTK.transpose(1, 2).reshape(B, T, -1))

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, masks: tuple[Mask, Mask], whole: bool) -> Tensor:
        everything, near = masks
        mask = near if self.window else everything
        if whole and everything is None and q.device.type == "cpu" and 1 < q.shape[2] <= LONGEST:
            return blocked_attention(q, k, v, before=self.window - 1 if self.window else None)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None and q.shape[2] > 1)


class Block(nn.Module):
    """mix(x, first embedding), + attention(norm(x)), + feedforward(norm(x))."""

    def __init__(self, config: ModelConfig, layer: int, cache_layer: int) -> None:
        super().__init__()
        make = norms.get(config.norm)
        self.attention_norm = make(config.width, config.norm_epsilon)
        self.attention = Attention(config, layer, cache_layer)
        self.feedforward_norm = make(config.width, config.norm_epsilon)
        self.feedforward = feedforwards.get(config.feedforward)(config)
        self.mix = nn.Parameter(torch.tensor([1.0, 0.0])) if "residual_scalars" in config.extras else None

    def forward(
        self,
        x_BTD: Tensor,
        first_BTD: Tensor,
        ids_BT: Tensor,
        turned: tuple[Tensor, Tensor],
        masks: tuple[Mask, Mask],
        cache: Cache | None,
    ) -> Tensor:
        if self.mix is not None:
            x_BTD = self.mix[0] * x_BTD + self.mix[1] * first_BTD
        x_BTD = x_BTD + self.attention(self.attention_norm(x_BTD), ids_BT, turned, masks, cache)
        return x_BTD + self.feedforward(self.feedforward_norm(x_BTD))


class Speedrun(nn.Module):
    """See the module. The same calls as the default model, but it needs the tokens: there is no `hidden_states`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        remembers = config.cache_layers - config.depth
        make = norms.get(config.norm)
        self.embedding = Embedding(config)
        self.embedding_norm = (
            make(config.width, config.norm_epsilon) if "embedding_norm" in config.extras else nn.Identity()
        )
        num_pairs = PAIRS_PER_TOKEN * config.vocabulary_size
        self.pair_embedding = nn.Embedding(num_pairs, config.width) if "bigrams" in config.extras else None
        gated = min(GATE_INPUTS, config.width)
        self.smear = nn.Linear(gated, 1, bias=False) if "smear" in config.extras else None
        self.rotary = Rotary.of(config)
        self.blocks = nn.ModuleList(Block(config, layer, layer + remembers) for layer in range(config.depth))
        self.backout = nn.Parameter(torch.tensor([BACKOUT])) if "backout" in config.extras else None
        self.norm = make(config.width, config.norm_epsilon)

    @torch.no_grad()
    def first_values(self) -> None:
        """What is neither drawn nor one at the start (model.init calls it)."""
        if self.pair_embedding is not None:
            self.pair_embedding.weight.zero_()
        if self.backout is not None:
            self.backout.fill_(BACKOUT)
        for layer, block in enumerate(self.blocks):
            part, mix = layer / max(1, len(self.blocks) - 1), block.mix
            if isinstance(mix, Tensor):
                mix.copy_(torch.tensor([start + part * (end - start) for start, end in (STREAM, FIRST)]))

    def forward(self, ids_BT: Tensor, cache: Cache | None = None, documents_BT: Tensor | None = None) -> Tensor:
        """Hidden states (B, T, D), ready for `logits`. cache, documents_BT: as in families/gpt.py."""
        start, T = (cache.length if cache is not None else 0), ids_BT.shape[1]
        if start and documents_BT is not None:
            raise ValueError("documents_BT is for packed training rows; a cache holds one document a row")
        positions_BT = getattr(cache, "positions_BT", None)
        if positions_BT is None:
            positions_BT = torch.arange(start, start + T, device=ids_BT.device).unsqueeze(0)
        x_BTD = self._embedded(ids_BT, positions_BT, cache, documents_BT)
        turned = self.rotary.at(positions_BT, x_BTD) if start or cache is not None else self.rotary(0, T, x_BTD)
        masks = self._masks(positions_BT, start + T, cache, documents_BT)
        first_BTD, middle_BTD = x_BTD, x_BTD
        for layer, block in enumerate(self.blocks):
            x_BTD = block(x_BTD, first_BTD, ids_BT, turned, masks, cache)
            if layer == (len(self.blocks) - 1) // 2:
                middle_BTD = x_BTD
        if self.backout is not None:
            x_BTD = x_BTD - self.backout * middle_BTD
        return self.norm(x_BTD)

    def _embedded(self, ids_BT: Tensor, positions_BT: Tensor, cache: Cache | None, documents_BT: Mask) -> Tensor:
        x_BTD = self.embedding_norm(self.embedding(ids_BT))
        if self.smear is None and self.pair_embedding is None:
            return x_BTD
        last_BT, known_BT = self._last(ids_BT, positions_BT, cache, documents_BT)
        if self.smear is not None:
            gate_BT1 = torch.sigmoid(self.smear(x_BTD[..., : self.smear.in_features])) * known_BT.unsqueeze(-1)
            last_BTD = self.embedding_norm(self.embedding(last_BT))
            x_BTD = x_BTD + 0.5 * gate_BT1 * last_BTD
        if self.pair_embedding is not None:
            # Multiplicative hashing (Knuth): large odd factors, the remainder by the size of the table.
            pair_BT = (last_BT * 1_000_003 + ids_BT * 7919) % self.pair_embedding.num_embeddings
            x_BTD = x_BTD + self.pair_embedding(pair_BT) * known_BT.unsqueeze(-1)
        return x_BTD

    def _last(
        self, ids_BT: Tensor, positions_BT: Tensor, cache: Cache | None, documents_BT: Mask
    ) -> tuple[Tensor, Tensor]:
        """The token before each one (itself where there is none), and whether there is one."""
        known_BT = (positions_BT > 0).expand_as(ids_BT)
        if cache is None:
            last_BT = torch.cat((ids_BT[:, :1], ids_BT[:, :-1]), 1)
        else:
            all_BS = self._remember(ids_BT, cache)
            last_BT = all_BS.gather(1, (positions_BT - 1).clamp_min(0).expand_as(ids_BT))
        if documents_BT is not None:
            known_BT = known_BT & (documents_BT == torch.cat((documents_BT[:, :1], documents_BT[:, :-1]), 1))
        return last_BT, known_BT

    def _remember(self, ids_BT: Tensor, cache: Cache) -> Tensor:
        """All tokens up to now, (B, S), kept as digits in the first layer of the cache."""
        (B, T), config = ids_BT.shape, self.config
        weight = self.embedding.tokens.weight
        k_BGTK = weight.new_zeros(B, config.num_kv_heads, T, config.head_dim)
        for digit in range(DIGITS):
            k_BGTK[:, 0, :, digit] = (ids_BT // 256**digit % 256).to(weight.dtype)
        digits_BSK = cache.update(0, k_BGTK, torch.zeros_like(k_BGTK))[0][:, 0]
        powers_K = torch.tensor([256**digit for digit in range(DIGITS)], device=ids_BT.device)
        return (digits_BSK[..., :DIGITS].round().long() * powers_K).sum(-1)

    def _masks(self, positions_BT: Tensor, num_keys: int, cache: Cache | None, documents_BT: Mask) -> tuple[Mask, Mask]:
        """(B or 1, 1, T, S) True where looking is allowed: everything before, and within the window."""
        window, T = self.config.window, positions_BT.shape[1]
        plain = cache is None and documents_BT is None
        if plain and (not window or (positions_BT.device.type == "cpu" and 1 < T <= LONGEST)):
            return None, None
        back_BTS = positions_BT.unsqueeze(-1) - torch.arange(num_keys, device=positions_BT.device)
        everything_BTS = back_BTS >= 0
        if documents_BT is not None:
            everything_BTS = everything_BTS & (documents_BT.unsqueeze(2) == documents_BT.unsqueeze(1))
        near_BTS = everything_BTS & (back_BTS < window) if window else everything_BTS
        return None if plain else everything_BTS.unsqueeze(1), near_BTS.unsqueeze(1)

    def logits(self, hidden_BTD: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, T, V) of the token after each position."""
        logits_BTV = self.embedding.logits(hidden_BTD)
        cap = self.config.logit_softcap
        return cap * torch.tanh(logits_BTV / cap) if cap else logits_BTV

    @property
    def output_weight(self) -> Tensor:
        """The (V, D) matrix of the logits, for losses that go through it in chunks."""
        return self.embedding.output_weight

    @torch.no_grad()
    def num_parameters(self) -> int:
        """Trainable numbers; a tied matrix counts once."""
        return sum(parameter.numel() for parameter in self.parameters())
