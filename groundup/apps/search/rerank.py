"""The first passages in a better order: a cross-encoder reads each with the query, and its score joins the ranking's.

Both scores are brought to 0..1 over the passages looked at, and added: the ranking's knows the whole collection, the
cross-encoder's the words of this passage. The weight between them was chosen when it was trained (`learning`), on titles
that it did not learn from. A linear model over overlap features stood here before and lost to plain fusion on Cranfield
(nDCG@10 .412 against .423).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from groundup.apps.search.cross import CrossEncoder
from groundup.apps.search.index import Index
from groundup.apps.search.understand import Query
from groundup.core.files import read_json

DEPTH = 20  # passages read again; each costs tens of milliseconds on one core, and nDCG@10 looks at ten
FACTS = "learned.json"  # beside the model: {"weight": ...}


class Reranker:
    """Orders the first DEPTH passages anew; those below keep their places."""

    def __init__(self, folder: Path, weight: float | None = None) -> None:
        """folder: what `learning` wrote. weight: of the cross-encoder's score; None: as learned."""
        self.cross = CrossEncoder(folder)
        facts = read_json(folder / FACTS) if weight is None and (folder / FACTS).is_file() else {}
        self.weight = float(facts.get("weight", 1.0)) if weight is None else weight

    def rank(self, query: Query, ranked: Sequence[tuple[int, float]], index: Index) -> list[tuple[int, float]]:
        """``(passage, score)`` best first."""
        found = index.passages([number for number, _ in ranked[:DEPTH]])
        head = [(number, score) for number, score in ranked[:DEPTH] if number in found]
        if len(head) < 2:
            return list(ranked)
        cross_N = self.cross.score(query.text, [found[number].text for number, _ in head])
        scores_N = joined(np.array([score for _, score in head]), cross_N, self.weight)
        order = np.argsort(-scores_N, kind="stable")
        return [(head[int(place)][0], float(scores_N[place])) for place in order] + list(ranked[DEPTH:])


def joined(first_N: np.ndarray, cross_N: np.ndarray, weight: float) -> np.ndarray:
    """Both scores over their own range, added."""
    return _over_range(first_N) + weight * _over_range(cross_N)


def _over_range(scores_N: np.ndarray) -> np.ndarray:
    spread = float(np.ptp(scores_N))
    made: np.ndarray = (scores_N - scores_N.min()) / spread if spread else np.ones(len(scores_N))
    return made
