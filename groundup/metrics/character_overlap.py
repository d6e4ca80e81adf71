"""chrF (Popovic 2015): F-score of character n-grams up to 6, recall weighing twice as much (beta = 2); blanks ignored.

Kinder than BLEU to languages with rich endings, and needs no words. Equal to sacrebleu's chrF2 over a corpus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from groundup.metrics.classification import same_length

MAX_ORDER = 6  # Popovic 2015
BETA = 2  # Popovic 2016: agrees best with people


def chrf(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    """Corpus chrF2, 0 to 100."""
    same_length(references, hypotheses)
    found, claims, truths = [0] * MAX_ORDER, [0] * MAX_ORDER, [0] * MAX_ORDER
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        for order in range(1, MAX_ORDER + 1):
            truth, claim = _grams(reference, order), _grams(hypothesis, order)
            found[order - 1] += sum((truth & claim).values())
            # sacrebleu counts a pair's n-grams only where both texts are long enough to have some.
            claims[order - 1] += sum(claim.values()) if truth else 0
            truths[order - 1] += sum(truth.values())
    precisions, recalls = [], []
    for hits, claimed, there in zip(found, claims, truths, strict=True):
        if claimed and there:
            precisions.append(hits / claimed)
            recalls.append(hits / there)
    if not precisions:
        return 0.0
    precision, recall = sum(precisions) / len(precisions), sum(recalls) / len(recalls)
    if precision + recall == 0:
        return 0.0
    return 100 * (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)


def _grams(text: str, n: int) -> Counter[str]:
    bare = "".join(text.split())
    return Counter(bare[start : start + n] for start in range(len(bare) - n + 1))
