"""One layer with every choice open: attention, maybe a look at another source, feed-forward; norms before or after.

pre:     x + f(norm(x))   (GPT-2, Llama, T5)
post:    norm(x + f(x))   (the original Transformer, BERT)
branch:  x + norm(f(x))   (OLMo 2)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.layers.attention import Cache
from groundup.model.layers.experts import Experts
from groundup.model.layers.feedforward import feedforwards
from groundup.model.layers.mixed_attention import MixedAttention
from groundup.model.layers.norm import norms


@dataclass(frozen=True)
class Look:
    """What attention of all layers shares: see MixedAttention.forward."""

    turned: tuple[Tensor, Tensor] | None = None
    scores: Tensor | None = None
    visible: Tensor | None = None
    causal: bool = False


class MixedBlock(nn.Module):
    """cross: with a second attention over another source (decoders of an encoder-decoder)."""

    def __init__(self, config: ModelConfig, layer: int, *, cross: bool = False, scaled: bool = True) -> None:
        super().__init__()
        self.dropout, self.norm_place = config.dropout, config.norm_place
        norm = norms.get(config.norm)
        self.attention_norm = norm(config.width, config.norm_epsilon)
        self.attention = MixedAttention(config, layer, scaled=scaled)
        self.cross_norm = norm(config.width, config.norm_epsilon) if cross else None
        self.cross_attention = MixedAttention(config, layer, scaled=scaled) if cross else None
        self.feedforward_norm = norm(config.width, config.norm_epsilon)
        self.feedforward = Experts(config) if config.num_experts else feedforwards.get(config.feedforward)(config)

    def forward(
        self,
        x_BTD: Tensor,
        look: Look,
        *,
        source_BSD: Tensor | None = None,
        source_visible: Tensor | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """source_BSD: for the second attention; source_visible: True where it may look, broadcast to (B, H, T, S)."""
        attend = self.attention
        x_BTD = self._step(
            x_BTD,
            self.attention_norm,
            lambda x: attend(
                x, turned=look.turned, scores=look.scores, visible=look.visible, causal=look.causal, cache=cache
            ),
        )
        cross, cross_norm = self.cross_attention, self.cross_norm
        if cross is not None and cross_norm is not None:
            x_BTD = self._step(x_BTD, cross_norm, lambda x: cross(x, source_BSD=source_BSD, visible=source_visible))
        return self._step(x_BTD, self.feedforward_norm, self.feedforward)

    def _step(self, x_BTD: Tensor, norm: nn.Module, sub_layer: Callable[[Tensor], Tensor]) -> Tensor:
        if self.norm_place == "post":
            return norm(x_BTD + self._drop(sub_layer(x_BTD)))
        if self.norm_place == "branch":
            return x_BTD + self._drop(norm(sub_layer(x_BTD)))
        return x_BTD + self._drop(sub_layer(norm(x_BTD)))

    def _drop(self, x_BTD: Tensor) -> Tensor:
        return F.dropout(x_BTD, self.dropout, self.training) if self.dropout else x_BTD
