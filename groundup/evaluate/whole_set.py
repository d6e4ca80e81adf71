"""Metrics of a whole set of answers, which are no mean over items; found by name when two models are compared."""

from __future__ import annotations

from collections.abc import Sequence

from groundup.evaluate.base import Metric, Outcome
from groundup.metrics.calibration import calibration_error
from groundup.metrics.classification import precision_recall_f1


def macro_f1(outcomes: Sequence[Outcome]) -> float:
    """F1 averaged over the gold labels; an answer that is no label is wrong for every one."""
    gold = [outcome.item.gold for outcome in outcomes]
    given = [outcome.answer for outcome in outcomes]
    return precision_recall_f1(gold, given, labels=sorted(set(gold))).f1


def calibration(outcomes: Sequence[Outcome]) -> float:
    """Expected calibration error of the marks `confidence` and `accuracy`, in ten bins: 0 is perfect."""
    sure = [outcome.marks["confidence"] for outcome in outcomes]
    return calibration_error(sure, [outcome.marks["accuracy"] == 1.0 for outcome in outcomes])


MACRO_F1 = Metric("macro_f1", macro_f1)
CALIBRATION = Metric("calibration_error", calibration, higher_is_better=False)
BY_NAME = {metric.name: metric for metric in (MACRO_F1, CALIBRATION)}
