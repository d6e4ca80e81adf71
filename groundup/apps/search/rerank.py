"""The first passages in a better order: a small learned model looks at query and passage together.

Features that no single leg sees: how much of the query's weight the passage and its best sentence hold, words standing near
each other and in the query's order, the title, the legs' own scores. Weights: pairwise logistic regression (RankNet with a
linear scorer; Burges et al. 2005) on titles as queries for their own abstracts, so that no judgement of a test collection is
used. A Transformer in this place (a cross-encoder) costs a hundred times more a query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from groundup.apps.search.index import Index, Passage
from groundup.apps.search.passages import sentences
from groundup.apps.search.stem import stem, tokens
from groundup.apps.search.understand import Query

DEPTH = 30  # passages ordered anew; deeper ones seldom rise
FEATURES = ("leg", "first", "coverage", "sentence", "pairs", "window", "title", "repeated", "length")
# Fitted by `evaluate.fit_reranker` on the titles of Cranfield's own documents (not its queries); see FEATURES.
WEIGHTS = (2.46, 1.6, 1.98, 2.73, 1.86, 0.71, 0.0, -0.4, -0.53)


class Reranker:
    """Orders the first DEPTH passages anew; those below keep their places."""

    def __init__(self, weights: Sequence[float] = WEIGHTS) -> None:
        self.weights_F = np.array(weights)

    def rank(
        self, query: Query, ranked: Sequence[tuple[int, float]], index: Index, weight: Callable[[str], float]
    ) -> list[tuple[int, float]]:
        """``(passage, score)`` best first."""
        head = list(ranked[:DEPTH])
        found = index.passages([number for number, _ in head])
        head = [(number, score) for number, score in head if number in found]
        if len(head) < 2:
            return list(ranked)
        x_NF = features(query, [(found[number], score) for number, score in head], weight)
        scores_N = x_NF @ self.weights_F
        order = np.argsort(-scores_N, kind="stable")
        return [(head[int(place)][0], float(scores_N[place])) for place in order] + list(ranked[DEPTH:])


def features(query: Query, head: Sequence[tuple[Passage, float]], weight: Callable[[str], float]) -> np.ndarray:
    """(N, len(FEATURES)): one row a passage, in their order."""
    weights = {one: weight(one) for one in query.stems}
    total = sum(weights.values()) or 1.0
    low, high = min(score for _, score in head), max(score for _, score in head)
    couples = set(pairwise(query.stems))
    rows = []
    for rank, (passage, score) in enumerate(head):
        said = [stem(word) for _, _, word in tokens(passage.text)]
        held = set(said)
        title = {stem(word) for _, _, word in tokens(passage.title)}
        inside = [
            {stem(word) for _, _, word in tokens(passage.text[one.start : one.end])} for one in sentences(passage.text)
        ]
        best = max((sum(weights[one] for one in weights if one in bag) for bag in inside), default=0.0)
        content = [one for one in said if one in weights]
        rows.append(
            (
                (score - low) / (high - low) if high > low else 1.0,
                1 / (1 + rank),
                sum(weights[one] for one in weights if one in held) / total,
                best / total,
                len(couples & set(pairwise(said))) / max(1, len(couples)),
                _nearness(said, weights),
                sum(weights[one] for one in weights if one in title) / total,
                min(1.0, len(content) / max(1, 4 * len(weights))),
                min(1.0, len(said) / 300),
            )
        )
    return np.array(rows)


def fit(groups: Sequence[tuple[np.ndarray, int]], *, steps: int = 200, rate: float = 0.5) -> tuple[float, ...]:
    """WEIGHTS from ``(rows of one query, place of the right one)``: every wrong one should score lower."""
    differences = [rows[right] - np.delete(rows, right, axis=0) for rows, right in groups if len(rows) > 1]
    x_NF = np.concatenate(differences)
    share_N = np.concatenate([np.full(len(one), 1 / len(one)) for one in differences])
    share_N /= share_N.sum()
    weights_F = np.zeros(x_NF.shape[1])
    for _ in range(steps):
        wrong_N = 1 / (1 + np.exp(np.clip(x_NF @ weights_F, -30, 30)))
        weights_F += rate * 10 * (x_NF.T @ (wrong_N * share_N) - 1e-4 * weights_F)
    return tuple(round(float(value), 2) for value in weights_F)


def _nearness(said: Sequence[str], weights: dict[str, float]) -> float:
    """How close two different words of the query stand at their nearest: 1 side by side, towards 0 far apart."""
    last: dict[str, int] = {}
    best = 1000
    for place, one in enumerate(said):
        if one in weights:
            best = min([best, *(place - other for name, other in last.items() if name != one)])
            last[one] = place
    return 1 / best
