"""Is the difference between two evaluated models real? Paired tests over the items that both answered.

Both must have been asked the same things (equal data hash). Pairing takes out how hard the items are, which is most
of the noise; `metrics.paired` does the test. With several comparisons on one table, p-values are adjusted by Holm's
rule (Holm 1979), so that the chance of one false alarm in the whole table stays at 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from groundup.core.errors import DataError, UsageError
from groundup.core.randomness import numpy_random
from groundup.core.score import Score, read_scores
from groundup.evaluate.base import Item, Metric, Outcome
from groundup.evaluate.catalogue import find_task
from groundup.evaluate.stage import read_items
from groundup.evaluate.whole_set import BY_NAME
from groundup.metrics.paired import Difference, paired_test

ALPHA = 0.05  # the field's habit
NO_EVIDENCE = "no evidence of a difference"


@dataclass(frozen=True)
class Comparison:
    """One metric of one task for A and B. difference is b - a with its 95 % interval; p is adjusted by Holm's rule."""

    task: str
    metric: str
    n: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    verdict: str
    higher_is_better: bool = True


def compare(folder_a: Path, folder_b: Path) -> list[Comparison]:
    """Compare two folders of `6_evaluate`'s shape, on every task and metric that both hold, over all sources."""
    scores_a, scores_b = _by_task(folder_a), _by_task(folder_b)
    shared = [key for key in scores_a if key in scores_b]
    if not shared:
        raise DataError(f"{folder_a} and {folder_b} have no task in common.", repair="Evaluate both on the same tasks.")
    found = []
    for key in shared:
        one, two = scores_a[key], scores_b[key]
        if one.data_hash != two.data_hash:
            raise DataError(
                f"'{one.task}' asked other items in {folder_a} than in {folder_b}.",
                repair="Evaluate both with the same seed, limit, shots and data.",
            )
        found.append(_comparison(one, two, folder_a, folder_b))
    return holm(found)


def holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with adjusted p-values and verdicts, in their order."""
    order = sorted(range(len(comparisons)), key=lambda place: comparisons[place].p)
    adjusted: dict[int, float] = {}
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, comparisons[place].p * (len(order) - rank)))
        adjusted[place] = largest
    return [
        replace(one, p=adjusted[place], verdict=_verdict(one, adjusted[place])) for place, one in enumerate(comparisons)
    ]


def compare_table(comparisons: Sequence[Comparison]) -> str:
    """The comparisons for a terminal."""
    lines = ["task, metric: A, B, difference B - A with its 95 % interval, p (adjusted), verdict"]
    for one in comparisons:
        lines.append(
            f"{one.task}, {one.metric}: {one.a:.3f}, {one.b:.3f}, {one.difference:+.3f}"
            f" ({one.low:+.3f} to {one.high:+.3f}), p = {one.p:.3f}, n = {one.n}: {one.verdict}"
        )
    return "\n".join(lines)


def _by_task(folder: Path) -> dict[tuple[str, str, str], Score]:
    """Overall scores by task, metric and protocol: zero-shot is never compared with five-shot."""
    scores = read_scores(folder / "scores.json")
    return {(score.task, score.metric, score.protocol): score for score in scores if not score.source}


def _comparison(one: Score, two: Score, folder_a: Path, folder_b: Path) -> Comparison:
    rows_a, rows_b = _rows(folder_a, one), _rows(folder_b, two)
    shared = [name for name in rows_a if name in rows_b]
    if not shared or one.metric not in rows_a[shared[0]].marks:
        metric = _metric_of(one)
        pairs = [(rows_a[name], rows_b[name]) for name in shared]
        found = swapped(metric, pairs)
    else:
        found = paired_test(
            [rows_a[name].marks[one.metric] for name in shared], [rows_b[name].marks[one.metric] for name in shared]
        )
    return Comparison(
        task=one.task,
        metric=one.metric,
        n=len(shared),
        a=one.value,
        b=two.value,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p=found.p_value,
        verdict="",
        higher_is_better=one.higher_is_better,
    )


def _metric_of(score: Score) -> Metric:
    """The metric behind a score: by its name where many tasks share it, else asked of the task."""
    try:
        task = find_task(score.task)
    except UsageError:  # a TOML file of the user: only its name is known here
        if score.metric in BY_NAME:
            return BY_NAME[score.metric]
        raise
    return next(metric for metric in task.metrics if metric.name == score.metric)


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


def _rows(folder: Path, score: Score) -> dict[str, Outcome]:
    """The items behind a score, by id."""
    shots = score.protocol.rpartition(" ")[2]
    places = [folder / "items" / f"{score.task}.{shots}.jsonl.zst", folder / "items" / f"{score.task}.jsonl.zst"]
    rows = read_items(next((place for place in places if place.exists()), places[-1]))
    return {
        row["id"]: Outcome(Item(row["id"], "", row["gold"]), row["prompt"], row["answer"], row["marks"]) for row in rows
    }


def _verdict(one: Comparison, p: float) -> str:
    if p >= ALPHA or one.difference == 0:
        return NO_EVIDENCE
    return "B is better" if (one.difference > 0) == one.higher_is_better else "A is better"
