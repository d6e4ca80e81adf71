"""From marks to scores: value, interval, chance, the best rival, all in one record.

Intervals are 95 %. A mean of zeros and ones gets Wilson's interval, which stays honest at 0 and 1 and for small n
(Brown, Cai & DasGupta 2001); any other mean the bootstrap over its values; a number of the whole set (a ratio,
BLEU, macro F1) the percentile bootstrap over items, since it is no mean of parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from groundup.core.randomness import numpy_random
from groundup.core.score import Score
from groundup.evaluate.base import Item, Metric, Outcome, Task
from groundup.evaluate.whole_set import by_name
from groundup.metrics.intervals import bootstrap, wilson
from groundup.metrics.paired import Difference, paired_test


def interval(metric: Metric, outcomes: Sequence[Outcome], seed: int) -> tuple[float, float]:
    """The 95 % interval of a metric over these outcomes; always finite, and always around the value."""
    value = metric.of(outcomes)
    if metric.mark:
        marks = [outcome.marks[metric.mark] for outcome in outcomes]
        if all(mark in (0.0, 1.0) for mark in marks):
            low, high = wilson(int(sum(marks)), len(marks))
        else:
            low, high = bootstrap(marks, seed)
    else:
        low, high = resampled(metric, outcomes, seed)
    return min(float(low), value), max(float(high), value)


def resampled(metric: Metric, outcomes: Sequence[Outcome], seed: int) -> tuple[float, float]:
    """The percentile bootstrap of a metric of the whole set."""
    draws = numpy_random(seed, "interval", metric.name).integers(0, len(outcomes), (metric.resamples, len(outcomes)))
    values = [metric.of([outcomes[place] for place in row]) for row in draws]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def rivals_of(task: Task, train: Sequence[Item], outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """What each baseline earns on the same items: name -> outcomes."""
    found: dict[str, list[Outcome]] = {}
    for baseline in task.baselines:
        given = baseline.outcomes(task, train, outcomes)
        if given is not None:
            found[baseline.name] = given
    return found


def scores_of(
    task: Task,
    outcomes: Sequence[Outcome],
    rivals: dict[str, list[Outcome]],
    *,
    protocol: str,
    data_hash: str,
    seed: int,
    meta: dict[str, object] | None = None,
) -> list[Score]:
    """One Score per metric, and one more per source where the items come from several."""
    sources = sorted({outcome.item.source for outcome in outcomes})
    groups = [""] if len(sources) < 2 else ["", *sources]
    scores = []
    for source in groups:
        part = [place for place, outcome in enumerate(outcomes) if source in ("", outcome.item.source)]
        mine = [outcomes[place] for place in part]
        for metric in task.metrics:
            theirs = {rival: [them[place] for place in part] for rival, them in rivals.items()}
            name, best = _best_rival(metric, theirs)
            value = metric.of(mine)
            low, high = interval(metric, mine, seed)
            scores.append(
                Score(
                    task=task.name,
                    metric=metric.name,
                    value=value,
                    low=low,
                    high=high,
                    n=len(mine),
                    chance=metric.chance_of(mine),
                    baseline=best,
                    baseline_name=name,
                    protocol=protocol,
                    data_hash=data_hash,
                    higher_is_better=metric.higher_is_better,
                    source=source,
                    meta={**(meta or {}), **_against(metric, mine, theirs.get(name))},
                )
            )
    return scores


def _against(metric: Metric, mine: Sequence[Outcome], theirs: Sequence[Outcome] | None) -> dict[str, object]:
    """Is the difference to the best rival real? For means over items, and for the whole-set metrics known by name."""
    if not theirs or not (metric.mark or by_name(metric.name)):
        return {}
    if metric.mark:
        found = paired_test(
            [outcome.marks[metric.mark] for outcome in theirs], [outcome.marks[metric.mark] for outcome in mine]
        )
    else:
        found = swapped(metric, list(zip(theirs, mine, strict=True)))
    row = {"difference": found.difference, "low": found.low, "high": found.high, "p_value": found.p_value}
    return {"against_baseline": {**row, "test": found.test, "is_real": found.is_real}}


def swapped(metric: Metric, pairs: Sequence[tuple[Outcome, Outcome]], seed: int = 1) -> Difference:
    """Approximate randomization for a metric of the whole set (Noreen 1989): swap A and B on random items.

    p = (swaps with a difference as large + 1) / (swaps + 1); the interval by the bootstrap over items.
    """

    def difference(chosen: Sequence[tuple[Outcome, Outcome]]) -> float:
        return metric.of([pair[1] for pair in chosen]) - metric.of([pair[0] for pair in chosen])

    rng = numpy_random(seed, "compare", metric.name)
    observed = difference(pairs)
    hits = 0
    for row in rng.random((metric.resamples, len(pairs))) < 0.5:
        hits += abs(difference([(b, a) if swap else (a, b) for (a, b), swap in zip(pairs, row, strict=True)])) >= (
            abs(observed) - 1e-12
        )
    draws = rng.integers(0, len(pairs), (metric.resamples, len(pairs)))
    low, high = np.quantile([difference([pairs[place] for place in row]) for row in draws], [0.025, 0.975])
    p = (hits + 1) / (metric.resamples + 1)
    return Difference(observed, float(low), float(high), p, len(pairs), "swapped items")


def _best_rival(metric: Metric, rivals: dict[str, list[Outcome]]) -> tuple[str, float | None]:
    found: tuple[str, float | None] = ("", None)
    for name, outcomes in rivals.items():
        if metric.mark and metric.mark not in outcomes[0].marks:
            continue  # this rival says nothing about this metric
        value = metric.of(outcomes)
        better = found[1] is None or (value > found[1] if metric.higher_is_better else value < found[1])
        if math.isfinite(value) and better:
            found = (name, value)
    return found
