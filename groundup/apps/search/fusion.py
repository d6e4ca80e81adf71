"""Bringing two rankings together.

normalised_sum: each leg's scores are brought to [0, 1] for this query, then added; plain averaging of raw scores
is near useless because BM25 has no upper end. reciprocal_rank: 1 / (60 + rank), summed (Cormack et al. 2009).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

Ranking = Sequence[tuple[int, float]]  # (passage, score), best first


def normalised_sum(legs: Sequence[Ranking], weights: Sequence[float]) -> list[tuple[int, float]]:
    """Min-max per leg and query; what a leg did not find counts as that leg's lowest."""
    total: dict[int, float] = defaultdict(float)
    for leg, weight in zip(legs, weights, strict=True):
        if not leg:
            continue
        low, high = min(score for _, score in leg), max(score for _, score in leg)
        for number, score in leg:
            total[number] += weight * ((score - low) / (high - low) if high > low else 1.0)
    return _sorted(total)


def reciprocal_rank(legs: Sequence[Ranking], weights: Sequence[float], k: int = 60) -> list[tuple[int, float]]:
    """Ranks only; k = 60 as in the paper."""
    total: dict[int, float] = defaultdict(float)
    for leg, weight in zip(legs, weights, strict=True):
        for rank, (number, _) in enumerate(leg, start=1):
            total[number] += weight / (k + rank)
    return _sorted(total)


def _sorted(total: dict[int, float]) -> list[tuple[int, float]]:
    return sorted(total.items(), key=lambda item: (-item[1], item[0]))
