"""BLEU (Papineni et al. 2002), over a corpus, with the "13a" words and exponential smoothing of sacrebleu (Post 2018).

BLEU = 100 * min(1, exp(1 - r / c)) * exp(mean of log p_n, n = 1..4): p_n is the share of the hypotheses' n-grams
found in a reference (each at most as often as there), c the hypotheses' length, r that of the closest references.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from groundup.metrics.classification import same_length

MAX_ORDER = 4
# The 13a rules of the NIST script: punctuation apart, but not dots and commas within numbers, dashes after digits.
_RULES = (
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


def bleu_words(text: str) -> list[str]:
    """Words by the 13a rules, case kept."""
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for written, meant in _ENTITIES:
        text = text.replace(written, meant)
    text = f" {text} "
    for rule, replacement in _RULES:
        text = rule.sub(replacement, text)
    return text.split()


def bleu(references: Sequence[str | Sequence[str]], hypotheses: Sequence[str]) -> float:
    """Corpus BLEU, 0 to 100. references: for each hypothesis one text, or several."""
    same_length(references, hypotheses)
    found, possible = [0] * MAX_ORDER, [0] * MAX_ORDER
    length = reference_length = 0
    for choices, hypothesis in zip(references, hypotheses, strict=True):
        claim = bleu_words(hypothesis.rstrip())
        truths = [bleu_words(text.rstrip()) for text in ([choices] if isinstance(choices, str) else choices)]
        length += len(claim)
        reference_length += min((abs(len(truth) - len(claim)), len(truth)) for truth in truths)[1]
        for order in range(1, MAX_ORDER + 1):
            grams = _grams(claim, order)
            most: Counter[tuple[str, ...]] = Counter()
            for truth in truths:
                most |= _grams(truth, order)
            found[order - 1] += sum((grams & most).values())
            possible[order - 1] += sum(grams.values())
    return _score(found, possible, length, reference_length)


def _score(found: list[int], possible: list[int], length: int, reference_length: int) -> float:
    if not any(found):
        return 0.0
    logarithms = []
    smoothing = 1.0
    for hits, total in zip(found, possible, strict=True):
        if total == 0:  # no hypothesis is that long: the score is 0 (sacrebleu without effective order)
            return 0.0
        if hits == 0:  # Chen and Cherry 2014, method 3: 1/2, 1/4, ... of a hit
            smoothing *= 2
            logarithms.append(math.log(1 / (smoothing * total)))
        else:
            logarithms.append(math.log(hits / total))
    brevity = min(0.0, 1 - reference_length / length)
    return 100 * math.exp(brevity + sum(logarithms) / MAX_ORDER)


def _grams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))
