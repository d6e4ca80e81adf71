"""Metrics of a whole set of answers, which are no mean over items; found by name when two models are compared."""

from __future__ import annotations

from collections.abc import Sequence

from groundup.evaluate.base import Metric, Outcome
from groundup.metrics.calibration import calibration_error
from groundup.metrics.classification import precision_recall_f1
from groundup.metrics.word_overlap import bleu


def macro_f1(outcomes: Sequence[Outcome]) -> float:
    """F1 averaged over the gold labels; an answer that is no label is wrong for every one."""
    gold = [outcome.item.gold for outcome in outcomes]
    given = [outcome.answer for outcome in outcomes]
    return precision_recall_f1(gold, given, labels=sorted(set(gold))).f1


def calibration(outcomes: Sequence[Outcome]) -> float:
    """Expected calibration error of the marks `confidence` and `accuracy`, in ten bins: 0 is perfect."""
    sure = [outcome.marks["confidence"] for outcome in outcomes]
    return calibration_error(sure, [outcome.marks["accuracy"] == 1.0 for outcome in outcomes])


def micro_f1(outcomes: Sequence[Outcome]) -> float:
    """F1 of the marks `right`, `claims` and `truths`, summed over items; 0 where nothing is claimed and nothing there."""
    right, claims, truths = (sum(one.marks[name] for one in outcomes) for name in ("right", "claims", "truths"))
    return 2 * right / (claims + truths) if claims + truths else 0.0


def corpus_bleu(outcomes: Sequence[Outcome]) -> float:
    """BLEU of all answers together, 0 to 100."""
    return bleu([outcome.item.gold for outcome in outcomes], [outcome.answer for outcome in outcomes])


def recall_of(label: str) -> Metric:
    """The share of one label's items that get it: of what is out of scope, for one."""

    def recall(outcomes: Sequence[Outcome]) -> float:
        given = [outcome.answer == label for outcome in outcomes if outcome.item.gold == label]
        return sum(given) / len(given) if given else 0.0

    return Metric(f"{RECALL_OF}{label}", recall)


RECALL_OF = "recall of "
MACRO_F1 = Metric("macro_f1", macro_f1)
CALIBRATION = Metric("calibration_error", calibration, higher_is_better=False)
SPAN_F1, FIELD_F1 = Metric("span_f1", micro_f1), Metric("field_f1", micro_f1)
BLEU = Metric("bleu", corpus_bleu, resamples=200)  # fewer: BLEU counts every n-gram again
BY_NAME = {metric.name: metric for metric in (MACRO_F1, CALIBRATION, SPAN_F1, FIELD_F1, BLEU)}


def by_name(name: str) -> Metric | None:
    """A metric of this file by its name."""
    return recall_of(name.removeprefix(RECALL_OF)) if name.startswith(RECALL_OF) else BY_NAME.get(name)
