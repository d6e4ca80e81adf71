"""Metrics of predicted classes against gold classes. Labels are any hashable values; lists have equal length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class F1:
    """precision = tp / (tp + fp), recall = tp / (tp + fn), f1 = their harmonic mean; 0 where undefined."""

    precision: float
    recall: float
    f1: float
    support: int  # gold items counted


def from_counts(true_positive: int, num_predicted: int, num_gold: int) -> F1:
    """F1 from counts: of `num_predicted` claims, `true_positive` are among the `num_gold` truths."""
    precision = true_positive / num_predicted if num_predicted else 0.0
    recall = true_positive / num_gold if num_gold else 0.0
    total = num_predicted + num_gold
    return F1(precision, recall, 2 * true_positive / total if total else 0.0, num_gold)


def same_length(gold: Sequence[object], predicted: Sequence[object]) -> None:
    """ValueError unless the lists pair up and hold something."""
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold items do not pair with {len(predicted)} predictions")
    if not len(gold):
        raise ValueError("nothing to measure: no items")


def accuracy(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> float:
    """The share of items predicted right."""
    same_length(gold, predicted)
    return sum(g == p for g, p in zip(gold, predicted, strict=True)) / len(gold)


def confusion(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> tuple[list[Hashable], np.ndarray]:
    """Labels in sorted order (by their text), and the matrix counts[gold, predicted] (L, L)."""
    same_length(gold, predicted)
    labels = sorted({*gold, *predicted}, key=lambda label: (str(type(label)), str(label)))
    place = {label: number for number, label in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for g, p in zip(gold, predicted, strict=True):
        matrix[place[g], place[p]] += 1
    return labels, matrix


def precision_recall_f1(
    gold: Sequence[Hashable],
    predicted: Sequence[Hashable],
    *,
    average: str = "macro",
    labels: Sequence[Hashable] | None = None,
) -> F1:
    """average: "macro" (mean over labels), "micro" (pooled counts), "weighted" (mean by gold counts).

    labels: the labels counted; default all that occur. A single label gives the binary score of that label.
    """
    same_length(gold, predicted)
    counted = list(dict.fromkeys(labels if labels is not None else [*gold, *predicted]))
    right = Counter(g for g, p in zip(gold, predicted, strict=True) if g == p)
    golds, claims = Counter(gold), Counter(predicted)
    if average == "micro":
        sums = [sum(counts[label] for label in counted) for counts in (right, claims, golds)]
        return from_counts(sums[0], sums[1], sums[2])
    scores = [from_counts(right[label], claims[label], golds[label]) for label in counted]
    support = sum(score.support for score in scores)
    if average == "macro":
        weights = [1 / len(scores)] * len(scores)
    elif average == "weighted":
        weights = [score.support / support if support else 0.0 for score in scores]
    else:
        raise ValueError(f"average is 'macro', 'micro' or 'weighted', not {average!r}")
    pairs = list(zip(weights, scores, strict=True))
    return F1(
        sum(weight * score.precision for weight, score in pairs),
        sum(weight * score.recall for weight, score in pairs),
        sum(weight * score.f1 for weight, score in pairs),
        support,
    )


def f1(gold: Sequence[Hashable], predicted: Sequence[Hashable], average: str = "macro") -> float:
    """The F1 of `precision_recall_f1`."""
    return precision_recall_f1(gold, predicted, average=average).f1


def matthews(gold: Sequence[Hashable], predicted: Sequence[Hashable]) -> float:
    """Matthews correlation for any number of classes (Gorodkin 2004): 1 perfect, 0 chance; 0 where undefined."""
    _, counts = confusion(gold, predicted)
    golds, claims = counts.sum(axis=1).astype(float), counts.sum(axis=0).astype(float)
    total, right = float(counts.sum()), float(np.trace(counts))
    covariance = right * total - golds @ claims
    spread = np.sqrt((total**2 - claims @ claims) * (total**2 - golds @ golds))
    return float(covariance / spread) if spread else 0.0


def quadratic_kappa(gold: Sequence[int], predicted: Sequence[int]) -> float:
    """Cohen's kappa for grades, a miss by d weighing d^2 (Cohen 1968): 1 - sum(w observed) / sum(w expected).

    The measure of essay and answer grading. 1 where all grades are the same one.
    """
    same_length(gold, predicted)
    g, p = np.asarray(gold, dtype=float), np.asarray(predicted, dtype=float)
    observed = float(((g - p) ** 2).mean())
    # Over all pairs of a gold and a predicted grade: E(g - p)^2 with g and p independent.
    expected = float((g**2).mean() + (p**2).mean() - 2 * g.mean() * p.mean())
    if expected == 0:
        return 1.0
    return 1 - observed / expected
