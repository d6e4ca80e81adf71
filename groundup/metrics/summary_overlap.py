"""ROUGE (Lin 2004): how much of a reference summary's words, pairs or word order a summary holds.

Words are runs of ASCII letters and digits in lower case, without stemming, as in the `rouge-score` package; the
tests hold the two equal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from groundup.metrics.classification import F1, from_counts

_WORD = re.compile(r"[a-z0-9]+")


def rouge(reference: str, summary: str) -> dict[str, float]:
    """F1 of ROUGE-1, ROUGE-2, ROUGE-L (whole text) and ROUGE-Lsum (line by line)."""
    return {
        "rouge1": rouge_n(reference, summary, 1).f1,
        "rouge2": rouge_n(reference, summary, 2).f1,
        "rougeL": rouge_l(reference, summary).f1,
        "rougeLsum": rouge_l_sum(reference, summary).f1,
    }


def rouge_words(text: str) -> list[str]:
    """The words ROUGE compares."""
    return _WORD.findall(text.lower())


def rouge_n(reference: str, summary: str, n: int) -> F1:
    """Overlap of n-grams, each counted at most as often as in the other text."""
    truth, claim = _grams(rouge_words(reference), n), _grams(rouge_words(summary), n)
    return from_counts(sum((truth & claim).values()), sum(claim.values()), sum(truth.values()))


def rouge_l(reference: str, summary: str) -> F1:
    """The longest common subsequence of words: precision over the summary, recall over the reference."""
    truth, claim = rouge_words(reference), rouge_words(summary)
    return from_counts(len(_common(truth, claim)), len(claim), len(truth))


def rouge_l_sum(reference: str, summary: str) -> F1:
    """ROUGE-L for summaries of several sentences, one a line: for each reference sentence the union of its common
    subsequences with all summary sentences; a word counts at most as often as it stands in either text.
    """
    truths = [words for words in map(rouge_words, reference.split("\n")) if words]
    claims = [words for words in map(rouge_words, summary.split("\n")) if words]
    left_truth = Counter(word for words in truths for word in words)
    left_claim = Counter(word for words in claims for word in words)
    num_truth, num_claim = left_truth.total(), left_claim.total()
    hits = 0
    for truth in truths:
        union = sorted({place for claim in claims for place in _common(truth, claim)})
        for place in union:
            word = truth[place]
            if left_truth[word] > 0 and left_claim[word] > 0:
                hits += 1
                left_truth[word] -= 1
                left_claim[word] -= 1
    return from_counts(hits, num_claim, num_truth)


def _grams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def _common(truth: Sequence[str], claim: Sequence[str]) -> list[int]:
    """The places in `truth` of one longest common subsequence (the one rouge-score's backtracking takes)."""
    rows = [[0] * (len(claim) + 1)]
    for word in truth:
        above, row = rows[-1], [0]
        for place, other in enumerate(claim, start=1):
            row.append(above[place - 1] + 1 if word == other else max(above[place], row[-1]))
        rows.append(row)
    places: list[int] = []
    i, j = len(truth), len(claim)
    while i and j:
        if truth[i - 1] == claim[j - 1]:
            places.append(i - 1)
            i, j = i - 1, j - 1
        elif rows[i][j - 1] > rows[i - 1][j]:
            j -= 1
        else:
            i -= 1
    return places[::-1]
