"""Exact match and token F1 as SQuAD counts them (Rajpurkar et al. 2016): case, punctuation, articles, blanks ignored."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalize_answer(text: str) -> str:
    """Lower case, no ASCII punctuation, no English articles, single blanks."""
    bare = text.lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(gold: str | Sequence[str], predicted: str) -> float:
    """1.0 when the normalised prediction equals a normalised gold answer, else 0.0."""
    answer = normalize_answer(predicted)
    return float(any(normalize_answer(choice) == answer for choice in _choices(gold)))


def token_f1(gold: str | Sequence[str], predicted: str) -> float:
    """The best F1 over the bags of words of a gold answer and the prediction; two empty ones agree (SQuAD 2.0)."""
    return max((_bag_f1(choice, predicted) for choice in _choices(gold)), default=0.0)


def _bag_f1(gold: str, predicted: str) -> float:
    truth, claim = normalize_answer(gold).split(), normalize_answer(predicted).split()
    if not truth or not claim:
        return float(truth == claim)
    common = sum((Counter(truth) & Counter(claim)).values())
    return 2 * common / (len(truth) + len(claim))


def _choices(gold: str | Sequence[str]) -> Sequence[str]:
    return [gold] if isinstance(gold, str) else gold
