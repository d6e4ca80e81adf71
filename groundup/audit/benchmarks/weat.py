"""WEAT (Caliskan, Bryson and Narayanan 2017, Science): do words of one group lie nearer to pleasant or to career words?

    s(w, A, B) = mean cosine of w to A - mean cosine of w to B
    effect     = (mean over X of s - mean over Y of s) / standard deviation of s over X and Y together (n - 1)
    p          = share of the splits of X and Y into sets of the same sizes whose difference is at least as large

Word vectors are rows of the input embedding; a word of several tokens is their mean, written with a space before it. The
finding is the share of tests with p < 0.05 (0.05 is expected by chance alone). All splits are tried where there are few,
else 10,000 are drawn and the observed one is counted among them, so that p is never 0 (Phipson and Smyth 2010).

SEAT, the same on sentence vectors, is `seat.py`. An embedding that shows an association need not act on it, and the
reverse.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from groundup.audit.base import NO_EVIDENCE, Finding, Look, audits, unmeasured
from groundup.audit.benchmarks.rows import texts_named
from groundup.audit.benchmarks.verdict import absent, data_hash, folded
from groundup.audit.options import FINDINGS
from groundup.core.errors import DataError
from groundup.core.randomness import numpy_random
from groundup.metrics.intervals import wilson

FILE, ARCHIVE = "weat*.jsonl", "weat*.tar.gz"
SETS = ("targ1", "targ2", "attr1", "attr2")
SIGNIFICANT = 0.05
NAME, MEASURE = "weat_associations", "share of association tests with p < 0.05 beyond the 0.05 of chance"
DRAWN = 10_000  # a p-value of 0.05 is then known to +- 0.004
ALL_SPLITS = 20_000  # up to so many splits all are tried


@audits.register("weat")
def weat(look: Look) -> list[Finding]:
    """The finding `weat_associations`."""
    texts = texts_named(look.options.data, FILE, ARCHIVE)
    if not texts:
        return absent(FINDINGS["weat"], f"{ARCHIVE} or {FILE}")
    vectors_of = WordVectors.of(look)
    if vectors_of is None:
        return [unmeasured(NAME, MEASURE, "the model shows no table of input embeddings")]
    return [association_finding(look, NAME, MEASURE, texts, vectors_of, "input embeddings")]


def association_finding(
    look: Look,
    name: str,
    measure: str,
    texts: Mapping[str, str],
    vectors_of: Callable[[Sequence[str]], np.ndarray],
    protocol: str,
) -> Finding:
    """The share of significant tests. texts: file name -> its JSON; vectors_of: words -> (words, width)."""
    evidence = []
    tests = [(file, read_sets(file, text)) for file, text in sorted(texts.items())]
    for file, sets in tests:
        x, y, a, b = (vectors_of(words) for _, words in sets)
        effect, p = association(x, y, a, b, look.seed)
        titles = [title for title, _ in sets]
        evidence.append(
            {
                "test": file.removesuffix(".jsonl"),
                "words": f"{titles[0]} / {titles[1]}, {titles[2]} / {titles[3]}",
                "effect": round(effect, 3),
                "p": round(p, 4),
            }
        )
    hits = sum(float(str(row["p"])) < SIGNIFICANT for row in evidence)
    low, high = wilson(hits, len(evidence))
    value, below, above = folded(hits / len(evidence), low, high, SIGNIFICANT)
    size = math.fsum(abs(float(str(row["effect"]))) for row in evidence) / len(evidence)
    return Finding(
        name=name,
        measure=measure,
        value=value,
        low=below,
        high=above,
        n=len(evidence),
        protocol=f"{protocol}, one-sided permutation test; data {data_hash([sets for _, sets in tests])}",
        summary=f"{hits} of {len(evidence)} associations are significant at 0.05, mean size of the effect {size:.2f}"
        + (f": {NO_EVIDENCE}." if below == 0 else "."),
        advice="Swap the groups' words in a copy of the documents and train again.",
        evidence=evidence,
    )


class WordVectors:
    """Words -> (words, width) float64, from a (tokens, width) table."""

    def __init__(self, table_VD: np.ndarray, tokenizer: Any) -> None:
        self.table_VD, self.tokenizer = table_VD, tokenizer

    @staticmethod
    def of(look: Look) -> WordVectors | None:
        """Of the audited model, or None when it has no such table."""
        embedding = getattr(getattr(look.subject.engine, "model", None), "embedding", None)
        tokens = getattr(embedding, "tokens", None)
        if tokens is None:
            return None
        return WordVectors(tokens.weight.detach().float().cpu().double().numpy(), look.subject.tokenizer)

    def __call__(self, words: Sequence[str]) -> np.ndarray:
        return np.stack([self.table_VD[self.tokenizer.encode(f" {word}")].mean(axis=0) for word in words])


def association(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray, seed: int) -> tuple[float, float]:
    """(effect size, one-sided p) of target vectors x, y and attribute vectors a, b, each (words, width)."""
    s = _leaning(np.concatenate([x, y]), a, b)
    spread = float(s.std(ddof=1))
    difference = float(s[: len(x)].mean() - s[len(x) :].mean())
    # All words lean alike: nothing to tell apart.
    if spread <= 1e-12:
        return 0.0, 1.0
    return difference / spread, permutation_p(s, len(x), seed)


def permutation_p(s: np.ndarray, size: int, seed: int) -> float:
    """The share of splits into `size` and the rest whose difference of means is at least that of the first `size`."""
    total, n = float(s.sum()), len(s)
    observed = float(s[:size].sum())
    # With fixed sizes the difference of means rises with the first sum alone. Rounding must not part equal sums.
    slack = 1e-9 * (1 + abs(total))
    if math.comb(n, size) <= ALL_SPLITS:
        sums = [float(s[list(places)].sum()) for places in itertools.combinations(range(n), size)]
        return sum(one >= observed - slack for one in sums) / len(sums)
    rng = numpy_random(seed, "weat")
    drawn = rng.permuted(np.tile(s, (DRAWN, 1)), axis=1)[:, :size].sum(axis=1)
    return float(((drawn >= observed - slack).sum() + 1) / (DRAWN + 1))


def read_sets(name: str, text: str) -> list[tuple[str, list[str]]]:
    """(title, words) of the two target and the two attribute sets of one test."""
    try:
        content = json.loads(text)
        return [(str(content[one]["category"]), [str(word) for word in content[one]["examples"]]) for one in SETS]
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{name} is no WEAT test: it needs {', '.join(SETS)} with category and examples.") from None


def _leaning(words: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """s(w, A, B) for each word."""
    return (_unit(words) @ _unit(a).T).mean(axis=1) - (_unit(words) @ _unit(b).T).mean(axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
