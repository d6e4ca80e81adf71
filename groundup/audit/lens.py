"""Logit lens: what would the model say if it stopped after this layer? (nostalgebraist 2020)

The residual stream behind each layer goes through the final norm and the output matrix. Layer 0 is the embedding. A layer
is not asked to speak: early layers may well know what this lens cannot read, so that the page tells the distance (KL) of
each layer's word from the last one's.

Legend: T time, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

TOP = 5  # taste: what fits in a row of the page


@dataclass(frozen=True)
class LayerView:
    """The next token as one layer has it. top: (token, probability), the likeliest first. target_rank: from 1.

    kl: Kullback-Leibler distance of this layer's distribution from the last layer's, in nats; 0 at the last.
    """

    layer: int
    top: list[tuple[int, float]]
    target_probability: float
    target_rank: int
    kl: float


@torch.no_grad()
def logit_lens(
    model: Any, prompt_ids: Sequence[int], target_id: int, translate: Callable[[int, Tensor], Tensor] | None = None
) -> list[LayerView]:
    """One view a layer, the embedding first, of the token after the prompt.

    translate(layer, stream) -> stream, before the norm: a tuned lens (`tuned_lens.TunedLens`); None reads it as it is.
    """
    read = [stream if translate is None else translate(layer, stream) for layer, stream in
            enumerate(residual_stream(model, prompt_ids))]  # fmt: skip
    logs = [model.logits(model.norm(stream_D[None]))[0].float().log_softmax(-1) for stream_D in read]
    last_V = logs[-1]
    views = []
    for layer, log_V in enumerate(logs):
        best = log_V.topk(min(TOP, len(log_V)))
        views.append(
            LayerView(
                layer=layer,
                top=[(int(token), float(log.exp())) for token, log in zip(best.indices, best.values, strict=True)],
                target_probability=float(log_V[target_id].exp()),
                target_rank=1 + int((log_V > log_V[target_id]).sum()),
                kl=max(0.0, float((last_V.exp() * (last_V - log_V)).sum())),
            )
        )
    return views


def decided_at(views: Sequence[LayerView]) -> int | None:
    """The first layer from which on the target is every layer's first choice; None where the last one's is another."""
    decided = None
    for view in reversed(views):
        if view.target_rank != 1:
            break
        decided = view.layer
    return decided


def residual_stream(model: Any, prompt_ids: Sequence[int]) -> list[Tensor]:
    """The stream (D,) at the prompt's last token: embedded, then behind every block."""
    ids_BT = torch.tensor([list(prompt_ids)], device=next(model.parameters()).device)
    return [stream_BTD[0, -1] for stream_BTD in streams(model, ids_BT)]


def streams(model: Any, ids_BT: Tensor) -> list[Tensor]:
    """The stream (B, T, D): embedded, then behind every block."""
    found: list[Tensor] = []
    hooks = [
        block.register_forward_hook(lambda _module, _inputs, output: found.append(output)) for block in model.blocks
    ]
    try:
        x_BTD = model.embedding(ids_BT)
        model.hidden_states(x_BTD)
    finally:
        for hook in hooks:
            hook.remove()
    return [x_BTD, *found]
