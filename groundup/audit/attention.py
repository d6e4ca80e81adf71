"""Where did the model look? Its attention weights, and attention rollout as an attribution's baseline.

Weights say where information could flow, not whether it was used (Jain and Wallace 2019, arXiv:1902.10186): they are
shown for what they are. Rollout (Abnar and Zuidema 2020, arXiv:2005.00928) multiplies the layers' mean weights, half of
each layer being the stream that goes past it; it knows no target and no sign.

For the default family (gpt). Legend: B rows, T time, S source time, H heads, K head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.audit.attribution import Attribution, Explained
from groundup.model.layers.position import rotate


@torch.no_grad()
def attention_weights(model: Any, ids: Sequence[int]) -> list[Tensor]:
    """(H, T, S) a layer: rows sum to 1, nothing ahead is looked at."""
    found: list[Tensor] = []

    def keep(attention: Any, inputs: Any) -> None:
        x_BTD, rotary = inputs[0], inputs[1]
        B, T, _ = x_BTD.shape
        q_BHTK = attention.query_norm(attention.query(x_BTD).view(B, T, -1, attention.head_dim)).transpose(1, 2)
        k_BGSK = attention.key_norm(attention.key(x_BTD).view(B, T, -1, attention.head_dim)).transpose(1, 2)
        q_BHTK, k_BGSK = rotate(q_BHTK, *rotary), rotate(k_BGSK, *rotary)
        k_BHSK = k_BGSK.repeat_interleave(attention.groups, dim=1)
        scores_HTS = (q_BHTK @ k_BHSK.transpose(-1, -2))[0] * attention.head_dim**-0.5
        ahead_TS = torch.ones(T, T, dtype=torch.bool, device=x_BTD.device).triu(1)
        found.append(scores_HTS.masked_fill(ahead_TS, float("-inf")).softmax(-1))

    hooks = [block.attention.register_forward_pre_hook(keep) for block in model.blocks]
    try:
        model(torch.tensor([list(ids)], device=next(model.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def rollout(weights: Sequence[Tensor]) -> np.ndarray:
    """(T,) how much of each token could have reached the last one's place; sums to 1."""
    flow_TS = torch.eye(weights[0].shape[-1], device=weights[0].device)
    for weights_HTS in weights:
        flow_TS = (0.5 * weights_HTS.mean(0) + 0.5 * torch.eye(len(flow_TS), device=flow_TS.device)) @ flow_TS
    reached: np.ndarray = flow_TS[-1].double().cpu().numpy()
    return reached


def attention_rollout(explained: Explained) -> Attribution:
    """Rollout as an attribution, the frame's tokens at 0: the baseline that the other methods should beat."""
    scores_T = rollout(attention_weights(explained.model, explained.prompt_ids))
    scores_T = np.where(explained.movable_T.cpu().numpy(), scores_T, 0.0)
    return Attribution("attention_rollout", scores_T, *explained.both_values())
