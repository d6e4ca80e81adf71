"""The difference of two models of which each is several runs with different seeds: a bootstrap on two levels.

Each resample draws runs of A, runs of B, and items (the same items for all: they stay paired), and takes the difference
of the means. The interval holds 95 % of these; p is twice the smaller share on one side of zero. With three runs a side,
the usual number, the spread between seeds is itself known only roughly: an interval that just clears zero is weak
evidence, and the table shows every run's value for that reason.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundup.core.randomness import numpy_random
from groundup.evaluate.base import Metric, Outcome
from groundup.metrics.paired import Difference

RESAMPLES = 10_000  # as metrics.paired; a metric of the whole set takes its own, fewer


def two_levels(
    a: Sequence[Sequence[Outcome]], b: Sequence[Sequence[Outcome]], of: str | Metric, seed: int = 1
) -> Difference:
    """b - a, each given as runs of outcomes over the same items in the same order. of: a mark, or a metric."""
    num_items = len(a[0])
    rng = numpy_random(seed, "compare seeds")
    if isinstance(of, str):
        marks_a, marks_b = (
            np.array([[outcome.marks[of] for outcome in run] for run in runs], dtype=float) for runs in (a, b)
        )
        observed = float(marks_b.mean() - marks_a.mean())
        draws = np.empty(RESAMPLES)
        for place in range(RESAMPLES):
            items = rng.integers(0, num_items, num_items)
            row_a = marks_a[rng.integers(0, len(a), len(a))].mean(axis=0)
            row_b = marks_b[rng.integers(0, len(b), len(b))].mean(axis=0)
            draws[place] = (row_b[items] - row_a[items]).mean()
    else:
        metric = of

        def mean(runs: Sequence[Sequence[Outcome]], chosen: Sequence[int], items: Sequence[int]) -> float:
            return float(np.mean([metric.of([runs[run][item] for item in items]) for run in chosen]))

        everything = range(num_items)
        observed = mean(b, range(len(b)), everything) - mean(a, range(len(a)), everything)
        draws = np.empty(metric.resamples)
        for place in range(metric.resamples):
            items = rng.integers(0, num_items, num_items)
            runs_a, runs_b = rng.integers(0, len(a), len(a)), rng.integers(0, len(b), len(b))
            draws[place] = mean(b, list(runs_b), list(items)) - mean(a, list(runs_a), list(items))
    low, high = np.quantile(draws, [0.025, 0.975])
    beyond = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    p = min(1.0, 2 * (beyond + 1) / (len(draws) + 1))
    return Difference(observed, float(low), float(high), p, num_items, "bootstrap over seeds and items")
