"""How a causal model reads given tokens: at every place, how likely was what came, and how sure was the model?

Rows go through the model in batches of similar length, filled up on the right, where nothing that counts looks.

Legend: B rows, T time, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

BATCH_TOKENS = 4096  # of one forward pass, padding included; as generate.scoring
PLACES = 512  # whose probabilities are held at once: 100 MB for 50,000 tokens


@dataclass(frozen=True)
class Reading:
    """One row of T + 1 tokens, the first one given. All (T,) float64.

    logprobs_T: of the token that came. means_T, deviations_T: of the log-probability under the model itself, before it
    came. best_T: the likeliest token's log-probability; right_T: whether that one came (bool).
    """

    logprobs_T: np.ndarray
    means_T: np.ndarray
    deviations_T: np.ndarray
    best_T: np.ndarray
    right_T: np.ndarray


@torch.inference_mode()
def read(engine: Any, rows: Sequence[Sequence[int]], *, temperature: float = 1.0) -> list[Reading]:
    """Read rows of at least two tokens, in order. engine: anything with `.model`: ours, or one of transformers.

    temperature: what the logits are divided by.
    """
    found: dict[int, Reading] = {}
    waiting = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    while waiting:
        size = 1
        while size < len(waiting) and len(rows[waiting[size]]) * (size + 1) <= BATCH_TOKENS:
            size += 1
        batch, waiting = waiting[:size], waiting[size:]
        logits_BTV = _logits(engine.model, [list(rows[place][:-1]) for place in batch]) / temperature
        for number, place in enumerate(batch):
            came_T = torch.tensor(list(rows[place][1:]), device=logits_BTV.device)
            found[place] = _reading(logits_BTV[number, : len(came_T)], came_T)
    return [found[place] for place in range(len(rows))]


def _reading(logits_TV: Tensor, came_T: Tensor) -> Reading:
    parts: list[list[Tensor]] = []
    for start in range(0, len(came_T), PLACES):
        log_TV = logits_TV[start : start + PLACES].float().log_softmax(-1)
        came = came_T[start : start + PLACES]
        p_TV = log_TV.exp()
        mean_T = (p_TV * log_TV.clamp(min=-1e9)).sum(-1)
        variance_T = (p_TV * (log_TV.clamp(min=-1e9) - mean_T[:, None]) ** 2).sum(-1)
        best = log_TV.max(-1)
        parts.append(
            [log_TV.gather(-1, came[:, None])[:, 0], mean_T, variance_T.sqrt(), best.values, best.indices == came]
        )
    columns = [torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)]
    logs, means, deviations, best_T = (column.astype(np.float64) for column in columns[:4])
    return Reading(logs, means, deviations, best_T, columns[4])


def _logits(model: Any, rows: list[list[int]]) -> Tensor:
    """(B, T, V), of our models and of transformers'."""
    longest = max(map(len, rows))
    device = next(model.parameters()).device
    ids_BT = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=device)
    if hasattr(model, "logits"):
        logits_BTV: Tensor = model.logits(model(ids_BT))
    else:
        logits_BTV = model(ids_BT, use_cache=False).logits
    return logits_BTV
