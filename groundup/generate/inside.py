"""What happens inside a decoder while it reads: where each head of a layer looks, and the vectors of one token.

    view = look_inside(model, ids, layer=2, place=5)

The vectors are the residual stream: the token's embedding, then what it has become behind each block. Sent through the
last norm and the output matrix, each says which word it stands for already (logit lens, nostalgebraist 2020).

Legend: T time, S source time, D width, H heads, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from groundup.core.errors import UsageError
from groundup.generate.cache import cache_for, forward

TOP = 3  # words a vector stands for; taste: what fits beside it


@dataclass(frozen=True)
class Inside:
    """attention_HTS: how token t shares its look among the tokens s; None where this model's heads cannot be watched.

    stream_LD: the token's vector, embedded and behind each block. lens: for each of them the likeliest next tokens
    as (id, probability).
    """

    attention_HTS: Tensor | None
    stream_LD: Tensor
    lens: list[list[tuple[int, float]]]


@torch.inference_mode()
def look_inside(model: Any, ids: Sequence[int], *, layer: int, place: int) -> Inside:
    """Read `ids` and watch. layer: from 0, whose heads; place: of the token whose vectors are told.

    UsageError for a layer or a place that is not there, and for a model without blocks.
    """
    blocks = getattr(model, "blocks", None)
    if blocks is None or not hasattr(model, "norm"):
        raise UsageError("Only decoders can be looked into.")
    if not 0 <= layer < len(blocks):
        raise UsageError(f"There is no layer {layer}: the model has {len(blocks)}.")
    if not 0 <= place < len(ids) <= model.config.context_length:
        raise UsageError(f"There is no token {place} among {len(ids)}.")
    stream: list[Tensor] = []
    hooks = [blocks[0].register_forward_pre_hook(lambda _module, given: stream.append(given[0][0, place]))]
    hooks += [block.register_forward_hook(lambda _m, _i, made: stream.append(made[0, place])) for block in blocks]
    watch = Watch(layer)
    try:
        with watch:  # with a cache, as when it writes: attention then goes through the one call that is watched
            ids_BT = torch.tensor([list(ids)], device=next(model.parameters()).device)
            forward(model, ids_BT, cache_for(model, 1, len(ids)))
    finally:
        for hook in hooks:
            hook.remove()
    stream_LD = torch.stack(stream).float()
    lens_LV = model.logits(model.norm(torch.stack(stream)[None]))[0].float().softmax(-1)
    best = lens_LV.topk(min(TOP, lens_LV.shape[-1]))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    lens = [list(zip(tokens, shares, strict=True)) for tokens, shares in pairs]
    return Inside(watch.weights_HTS, stream_LD, lens)


class Watch(TorchFunctionMode):
    """Notes the weights of the `layer`-th attention that is computed while it is open."""

    def __init__(self, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.weights_HTS: Tensor | None = None
        self._seen = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        if func is F.scaled_dot_product_attention:
            if self._seen == self.layer:
                self.weights_HTS = _weights(args[0], args[1], given.get("attn_mask"), given)
            self._seen += 1
        return func(*args, **given)


def _weights(q_BHTK: Tensor, k_BHSK: Tensor, mask: Tensor | None, given: Mapping[str, Any]) -> Tensor:
    """What `scaled_dot_product_attention` weighs the values with, for the first row: (H, T, S)."""
    scale = given.get("scale") or q_BHTK.shape[-1] ** -0.5
    scores_BHTS = (q_BHTK @ k_BHSK.transpose(-2, -1)).float() * scale
    if given.get("is_causal"):
        T, S = scores_BHTS.shape[-2:]
        mask = torch.ones(T, S, dtype=torch.bool, device=scores_BHTS.device).tril()
    if mask is not None:
        hidden = ~mask if mask.dtype == torch.bool else None
        scores_BHTS = scores_BHTS + mask if hidden is None else scores_BHTS.masked_fill(hidden, -torch.inf)
    weights_HTS = scores_BHTS.softmax(-1)[0]
    S = weights_HTS.shape[-1]
    # One token alone: its heads may come grouped by their keys, (G, H / G, S).
    return weights_HTS if weights_HTS.shape[1] == S else weights_HTS.reshape(-1, 1, S)
