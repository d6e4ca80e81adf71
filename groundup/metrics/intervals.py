"""How sure is a measured mean? 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from groundup.core.randomness import numpy_random

RESAMPLES = 1000  # Efron and Tibshirani 1993: enough for percentile intervals
_AT_ONCE = 4_000_000  # drawn places held in memory at a time


def bootstrap(
    values: Sequence[float],
    seed: int = 1,
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    statistic: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of per-item values (Efron 1979).

    statistic: another statistic than the mean, from drawn values (resamples, items) to (resamples,). One value
    gives an interval of no width: nothing is known of its spread.
    """
    items = np.asarray(values, dtype=float)
    if len(items) == 0:
        raise ValueError("an interval needs at least one value")
    random = numpy_random(seed, "bootstrap")
    drawn = []
    rows = max(1, _AT_ONCE // len(items))
    for start in range(0, resamples, rows):
        sample = items[random.integers(0, len(items), size=(min(rows, resamples - start), len(items)))]
        drawn.append(sample.mean(axis=1) if statistic is None else statistic(sample))
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail])
    return float(low), float(high)


def wilson(successes: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share: sound for small n and near 0 and 1, where p +- 2 SE is not."""
    from statistics import NormalDist

    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes among {n} make no share")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # Exactly 0 and 1 at the ends, where rounding would leave 1e-17.
    return (0.0 if successes == 0 else center - half), (1.0 if successes == n else center + half)


def binomial_tail(successes: int, n: int, share: float) -> float:
    """P(X >= successes) for X of n independent trials that succeed with probability `share`: exact, by its sum."""
    if not 0 < share < 1:
        raise ValueError(f"a share lies between 0 and 1; came: {share}")
    if successes <= 0:
        return 1.0
    ks = np.arange(successes, n + 1)
    if len(ks) == 0:
        return 0.0
    # log of binom(n, k) share^k (1 - share)^(n - k)
    factorials = np.array([math.lgamma(count + 1) for count in range(n + 1)])
    logs = factorials[n] - factorials[ks] - factorials[n - ks] + ks * math.log(share) + (n - ks) * math.log1p(-share)
    top = float(logs.max())
    return min(1.0, math.exp(top + math.log(float(np.exp(logs - top).sum()))))
