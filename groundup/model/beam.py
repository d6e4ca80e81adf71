"""Writing with an encoder-decoder: greedy, or beam search with a length penalty.

A finished text's score is its log-probability / ((5 + length) / 6)^alpha (Wu et al. 2016, eq. 14); alpha 0.6 and
4 beams are the original Transformer's. The target is read anew for every token: plain and exact, without a cache.

B batch, S source time, T target time, W beams, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

BEAMS, ALPHA = 4, 0.6  # Vaswani et al. 2017, section 6.1


@dataclass(frozen=True)
class Written:
    """ids without start and end token; score: penalised log-probability; ended: False when it ran out of room."""

    ids: list[int]
    score: float
    ended: bool


@torch.no_grad()
def greedy(
    module: Any, source_BS: Tensor, *, start_id: int, end_id: int, limit: int, source_real_BS: Tensor | None = None
) -> list[Written]:
    """The likeliest next token, again and again, for every row at once."""
    memory_BSD = module.encode(source_BS, source_real_BS)
    ids_BT = torch.full((len(source_BS), 1), start_id, device=source_BS.device)
    total_B = torch.zeros(len(source_BS), device=source_BS.device)
    done_B = torch.zeros(len(source_BS), dtype=torch.bool, device=source_BS.device)
    for _ in range(limit):
        hidden_BTD = module.decode(ids_BT, memory_BSD, source_real_BS)
        best_B, next_B = module.logits(hidden_BTD[:, -1]).float().log_softmax(-1).max(-1)
        total_B += best_B.masked_fill(done_B, 0.0)
        next_B = next_B.masked_fill(done_B, end_id)
        ids_BT = torch.cat((ids_BT, next_B.unsqueeze(1)), 1)
        done_B |= next_B == end_id
        if done_B.all():
            break
    return [_written(row, float(total), end_id, 0.0) for row, total in zip(ids_BT.tolist(), total_B, strict=True)]


@torch.no_grad()
def beam_search(
    module: Any,
    source_S: Tensor,
    *,
    start_id: int,
    end_id: int,
    limit: int,
    beams: int = BEAMS,
    alpha: float = ALPHA,
) -> list[Written]:
    """The best `beams` targets of one source, best first. Stops when nothing open can still beat the finished."""
    memory_1SD = module.encode(source_S.unsqueeze(0))
    open_: list[tuple[float, list[int]]] = [(0.0, [start_id])]
    finished: list[Written] = []
    for _ in range(limit):
        ids_WT = torch.tensor([ids for _, ids in open_], device=source_S.device)
        hidden = module.decode(ids_WT, memory_1SD.expand(len(open_), -1, -1))[:, -1]
        logs_WV = module.logits(hidden).float().log_softmax(-1)
        totals_WV = logs_WV + torch.tensor([total for total, _ in open_], device=logs_WV.device).unsqueeze(1)
        # Twice as many as beams: at most half of them can end here.
        best, places = totals_WV.flatten().topk(min(2 * beams, totals_WV.numel()))
        previous, open_ = open_, []
        for total, place in zip(best.tolist(), places.tolist(), strict=True):
            beam, token = divmod(place, logs_WV.shape[1])
            ids = [*previous[beam][1], token]
            if token == end_id:
                finished.append(_written(ids, total, end_id, alpha))
            elif len(open_) < beams:
                open_.append((total, ids))
        finished = sorted(finished, key=_score)[:beams]
        # The best an open beam can still reach: no more loss, the longest length allowed.
        if len(finished) == beams and open_[0][0] / penalty(limit, alpha) < finished[-1].score:
            break
    if len(finished) < beams:
        finished += [_written(ids, total, end_id, alpha) for total, ids in open_]
    return sorted(finished, key=_score)[:beams]


def penalty(length: int, alpha: float) -> float:
    """What a log-probability is divided by: longer targets have lost more."""
    return ((5 + length) / 6) ** alpha


def _written(row: list[int], total: float, end_id: int, alpha: float) -> Written:
    ids = row[1:]
    ended = end_id in ids
    if ended:
        ids = ids[: ids.index(end_id)]
    return Written(ids, total / penalty(len(ids) + ended, alpha), ended)


def _score(written: Written) -> float:
    return -written.score
