"""How good is a ranked list? `ranked` lists ids, best first; `relevant` maps an id to its gain (0 where absent)."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence


def ndcg(ranked: Sequence[Hashable], relevant: Mapping[Hashable, float], k: int = 10) -> float:
    """nDCG@k (Jarvelin and Kekalainen 2002), linear gain: sum gain / log2(rank + 1), over that of the best order."""
    gains = [relevant.get(item, 0.0) for item in ranked[:k]]
    best = sorted((gain for gain in relevant.values() if gain > 0), reverse=True)[:k]
    ideal = _discounted(best)
    return _discounted(gains) / ideal if ideal else 0.0


def reciprocal_rank(ranked: Sequence[Hashable], relevant: Mapping[Hashable, float], k: int | None = None) -> float:
    """1 / rank of the first relevant item among the first k, 0 where there is none; its mean is MRR."""
    for rank, item in enumerate(ranked[:k], start=1):
        if relevant.get(item, 0) > 0:
            return 1 / rank
    return 0.0


def recall_at(ranked: Sequence[Hashable], relevant: Mapping[Hashable, float], k: int = 10) -> float:
    """The share of the relevant items among the first k."""
    wanted = {item for item, gain in relevant.items() if gain > 0}
    return len(wanted & set(ranked[:k])) / len(wanted) if wanted else 0.0


def average_precision(ranked: Sequence[Hashable], relevant: Mapping[Hashable, float]) -> float:
    """The mean over relevant items of the precision at their rank (0 where not ranked); its mean is MAP."""
    wanted = {item for item, gain in relevant.items() if gain > 0}
    found, total = 0, 0.0
    for rank, item in enumerate(ranked, start=1):
        if item in wanted:
            found += 1
            total += found / rank
    return total / len(wanted) if wanted else 0.0


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))
