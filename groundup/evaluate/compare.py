"""Is the difference between evaluated models real? Paired tests over the items that all answered.

All must have been asked the same things (equal data hash). Pairing takes out how hard the items are, which is most
of the noise; `metrics.paired` does the test. With several comparisons on one table, p-values are adjusted by Holm's
rule (Holm 1979), so that the chance of one false alarm in the whole table stays at 5 %.

One run is one draw of its seed. Where a model is given by several runs with different seeds, seeds and items are both
drawn again (a bootstrap on two levels, `seeds.py`): a difference that another seed would turn is then no evidence
(Bouthillier et al. 2021, arXiv:2103.03098).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from groundup.core.errors import DataError, UsageError
from groundup.core.score import Score, read_scores
from groundup.evaluate.base import Item, Metric, Outcome
from groundup.evaluate.catalogue import find_task
from groundup.evaluate.scoring import swapped
from groundup.evaluate.seeds import two_levels
from groundup.evaluate.stage import read_items
from groundup.evaluate.whole_set import by_name
from groundup.metrics.paired import paired_test

ALPHA = 0.05  # the field's habit
NO_EVIDENCE = "no evidence of a difference"
Runs = Sequence[Path]  # folders of 6_evaluate's shape: one model, one folder a seed


@dataclass(frozen=True)
class Comparison:
    """One metric of one task for A and B. difference is b - a with its 95 % interval; p is adjusted by Holm's rule.

    other: B's name, where A is compared with several. seeds: how many runs of each; values_a, values_b: the score of
    each of these runs (a and b are their means). test: how p was found.
    """

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
    other: str = "B"
    test: str = ""
    values_a: tuple[float, ...] = ()
    values_b: tuple[float, ...] = ()
    protocol: str = ""

    @property
    def seeds(self) -> tuple[int, int]:
        """Runs of A and of B."""
        return len(self.values_a), len(self.values_b)


def compare(a: Path | Runs, *others: Path | Runs) -> list[Comparison]:
    """Compare A with each other model, on every task and metric that both hold, over all sources.

    A model is a folder of `6_evaluate`'s shape, or several: the same recipe with different seeds. DataError where
    there is nothing in common, or where one was asked other items.
    """
    first = _runs(a)
    found: list[Comparison] = []
    for number, given in enumerate(others):
        second = _runs(given)
        name = chr(ord("B") + number) if number < 25 else f"model {number + 2}"
        found += [replace(one, other=name) for one in _against(first, second)]
    return holm(found)


def _against(first: Runs, second: Runs) -> list[Comparison]:
    scores = [_by_task(folder) for folder in (*first, *second)]
    shared = [key for key in scores[0] if all(key in other for other in scores[1:])]
    if not shared:
        raise DataError(
            f"{first[0]} and {second[0]} have no task in common.", repair="Evaluate both on the same tasks."
        )
    found = []
    for key in shared:
        each = [one[key] for one in scores]
        for folder, score in zip((*first, *second), each, strict=True):
            if score.data_hash != each[0].data_hash:
                raise DataError(
                    f"'{score.task}' asked other items in {first[0]} than in {folder}.",
                    repair="Evaluate all with the same limit, shots and data, and runs of different seeds with the "
                    "same [evaluate] seed.",
                )
        found.append(_comparison(each[: len(first)], each[len(first) :], first, second))
    return found


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


def _runs(given: Path | Runs) -> Runs:
    return [given] if isinstance(given, Path) else list(given)


def _by_task(folder: Path) -> dict[tuple[str, str, str], Score]:
    """Overall scores by task, metric and protocol: zero-shot is never compared with five-shot."""
    scores = read_scores(folder / "scores.json")
    return {(score.task, score.metric, score.protocol): score for score in scores if not score.source}


def _comparison(ones: Sequence[Score], twos: Sequence[Score], first: Runs, second: Runs) -> Comparison:
    rows = [_rows(folder, score) for folder, score in zip((*first, *second), (*ones, *twos), strict=True)]
    shared = [name for name in rows[0] if all(name in other for other in rows[1:])]
    one, mark = ones[0], ones[0].metric
    is_mark = bool(shared) and mark in rows[0][shared[0]].marks
    if len(rows) > 2:
        metric = None if is_mark else _metric_of(one)
        given = [[row[name] for name in shared] for row in rows]
        found = two_levels(given[: len(first)], given[len(first) :], mark if metric is None else metric)
    elif is_mark:
        found = paired_test(
            [rows[0][name].marks[mark] for name in shared], [rows[1][name].marks[mark] for name in shared]
        )
    else:
        found = swapped(_metric_of(one), [(rows[0][name], rows[1][name]) for name in shared])
    return Comparison(
        task=one.task,
        metric=mark,
        n=len(shared),
        a=float(np.mean([score.value for score in ones])),
        b=float(np.mean([score.value for score in twos])),
        difference=found.difference,
        low=found.low,
        high=found.high,
        p=found.p_value,
        verdict="",
        higher_is_better=one.higher_is_better,
        test=found.test,
        values_a=tuple(score.value for score in ones),
        values_b=tuple(score.value for score in twos),
        protocol=one.protocol,
    )


def _metric_of(score: Score) -> Metric:
    """The metric behind a score: by its name where many tasks share it, else asked of the task."""
    try:
        task = find_task(score.task)
    except UsageError:  # a TOML file of the user: only its name is known here
        if (metric := by_name(score.metric)) is not None:
            return metric
        raise
    return next(metric for metric in task.metrics if metric.name == score.metric)


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
    return f"{one.other} is better" if (one.difference > 0) == one.higher_is_better else "A is better"
