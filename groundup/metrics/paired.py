"""Is the difference between two systems on the same items real? Each test pairs the items' values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.core.randomness import numpy_random
from groundup.metrics.classification import same_length
from groundup.metrics.intervals import bootstrap

RESAMPLES = 10_000  # a p-value of 0.05 is then known to +- 0.004
_AT_ONCE = 4_000_000
_EXACT = 14  # up to so many differing items all sign patterns are tried (16,384)


@dataclass(frozen=True)
class Difference:
    """mean(b) - mean(a) with its 95 % interval, and the chance of one as large were the systems alike."""

    difference: float
    low: float
    high: float
    p_value: float
    n: int
    test: str

    @property
    def is_real(self) -> bool:
        """True when the p-value is below 0.05."""
        return self.p_value < 0.05


def paired_test(a: Sequence[float], b: Sequence[float], seed: int = 1) -> Difference:
    """The test that fits: McNemar where all values are 0 or 1, else a permutation test; the interval by bootstrap."""
    differences = _differences(a, b)
    low, high = bootstrap(differences.tolist(), seed)
    binary = all(set(np.unique(values)) <= {0.0, 1.0} for values in (np.asarray(a, float), np.asarray(b, float)))
    p_value = mcnemar(a, b) if binary else permutation(a, b, seed)
    name = "McNemar, exact" if binary else "sign permutation"
    return Difference(float(differences.mean()), low, high, p_value, len(differences), name)


def permutation(a: Sequence[float], b: Sequence[float], seed: int = 1, *, resamples: int = RESAMPLES) -> float:
    """Two-sided p-value of the sign-flip permutation test (Fisher 1935) on the mean difference.

    Exact where few items differ; else (hits + 1) / (resamples + 1), which is never 0 (Phipson and Smyth 2010).
    """
    differences = _differences(a, b)
    differing = differences[differences != 0]
    if len(differing) == 0:
        return 1.0
    observed = abs(differing.sum()) * (1 - 1e-12)  # sums of the same numbers in another order may differ by rounding
    if len(differing) <= _EXACT:
        patterns = np.arange(2 ** len(differing))[:, None] >> np.arange(len(differing)) & 1
        sums = (patterns * 2 - 1) @ differing
        return float((np.abs(sums) >= observed).mean())
    random = numpy_random(seed, "permutation")
    rows = max(1, _AT_ONCE // len(differing))
    hits = 0
    for start in range(0, resamples, rows):
        signs = random.integers(0, 2, size=(min(rows, resamples - start), len(differing)), dtype=np.int8) * 2 - 1
        hits += int((np.abs(signs @ differing) >= observed).sum())
    return (hits + 1) / (resamples + 1)


def paired_bootstrap(a: Sequence[float], b: Sequence[float], seed: int = 1, *, resamples: int = RESAMPLES) -> float:
    """The share of resamples in which b does not beat a (Koehn 2004): small means that b is better. One-sided."""
    differences = _differences(a, b)
    random = numpy_random(seed, "paired bootstrap")
    rows = max(1, _AT_ONCE // len(differences))
    worse = 0
    for start in range(0, resamples, rows):
        places = random.integers(0, len(differences), size=(min(rows, resamples - start), len(differences)))
        worse += int((differences[places].mean(axis=1) <= 0).sum())
    return worse / resamples


def mcnemar(a: Sequence[float], b: Sequence[float]) -> float:
    """Exact two-sided p-value of McNemar's test (1947) for values 0 or 1: only items on which the two differ speak.

    Of n differing items the number won by either is binomial (n, 1/2) were the systems alike.
    """
    differences = _differences(a, b)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    n = wins + losses
    if n == 0:
        return 1.0
    # Summed in logarithms: 2^n overflows a float above n = 1,023.
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2)
        for k in range(min(wins, losses) + 1)
    ]
    return min(1.0, 2 * sum(math.exp(value) for value in logs))


def _differences(a: Sequence[float], b: Sequence[float]) -> np.ndarray:
    same_length(a, b)
    return np.asarray(b, dtype=float) - np.asarray(a, dtype=float)
