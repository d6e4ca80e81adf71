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
from groundup.metrics.intervals import bootstrap, wilson

# Percentile bootstrap: 500 resamples place the 2.5 % point to about one part in five of its own error. Taste:
# more would cost more time than the metric.
RESAMPLES = 500


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
    draws = numpy_random(seed, "interval", metric.name).integers(0, len(outcomes), (RESAMPLES, len(outcomes)))
    values = [metric.of([outcomes[place] for place in row]) for row in draws]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def rivals_of(task: Task, train: Sequence[Item], outcomes: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """What each baseline earns on the same items: name -> outcomes."""
    found: dict[str, list[Outcome]] = {}
    for baseline in task.baselines:
        marks = baseline.marks(task, train, outcomes)
        if marks is not None:
            found[baseline.name] = [
                Outcome(outcome.item, "", "", given) for outcome, given in zip(outcomes, marks, strict=True)
            ]
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
            name, best = _best_rival(metric, {rival: [them[place] for place in part] for rival, them in rivals.items()})
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
                    chance=metric.chance,
                    baseline=best,
                    baseline_name=name,
                    protocol=protocol,
                    data_hash=data_hash,
                    higher_is_better=metric.higher_is_better,
                    source=source,
                    meta=meta,
                )
            )
    return scores


def table(scores: Sequence[Score]) -> str:
    """The scores for a terminal: value, interval, n, chance, the best simple rival, and what to think of it."""
    rows = [("task", "metric", "value", "95 % interval", "n", "chance", "baseline", "")]
    for score in scores:
        name = f"{score.task} ({score.source})" if score.source else score.task
        rival = "" if score.baseline is None else f"{score.baseline:.3f} {score.baseline_name}"
        rows.append(
            (
                name,
                score.metric,
                f"{score.value:.3f}",
                f"{score.low:.3f} to {score.high:.3f}",
                str(score.n),
                "" if score.chance is None else f"{score.chance:.3f}",
                rival,
                remark(score),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    numbers = {2, 4, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def remark(score: Score) -> str:
    """What a reader should know at a glance: at chance, below the baseline, or nothing."""
    if score.at_chance:
        return "at chance"
    if score.baseline is None:
        return ""
    ahead = score.low > score.baseline if score.higher_is_better else score.high < score.baseline
    behind = score.high < score.baseline if score.higher_is_better else score.low > score.baseline
    if ahead:
        return ""
    return "below the baseline" if behind else "not clearly above the baseline"


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
