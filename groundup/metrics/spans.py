"""F1 over spans (entities, answers) and over token labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from groundup.metrics.classification import F1, from_counts, precision_recall_f1, same_length


def span_f1(gold: Sequence[Sequence[Hashable]], predicted: Sequence[Sequence[Hashable]]) -> F1:
    """Micro F1 over exact spans (CoNLL 2003): per text a list of spans, each e.g. (start, end, label).

    A span counts only when all its parts agree; doubles count once each.
    """
    same_length(gold, predicted)
    right = claims = truths = 0
    for g, p in zip(gold, predicted, strict=True):
        right += sum((Counter(map(_key, g)) & Counter(map(_key, p))).values())
        claims += len(p)
        truths += len(g)
    return from_counts(right, claims, truths)


def token_label_f1(
    gold: Sequence[Sequence[Hashable]], predicted: Sequence[Sequence[Hashable]], *, outside: Hashable = "O"
) -> F1:
    """Micro F1 over the labels of single tokens, the label `outside` left out (it would drown the others)."""
    same_length(gold, predicted)
    flat_gold = [label for labels in gold for label in labels]
    flat_predicted = [label for labels in predicted for label in labels]
    same_length(flat_gold, flat_predicted)
    labels = [label for label in dict.fromkeys([*flat_gold, *flat_predicted]) if label != outside]
    return precision_recall_f1(flat_gold, flat_predicted, average="micro", labels=labels)


def bio_spans(labels: Sequence[str]) -> list[tuple[int, int, str]]:
    """Spans (start, end, label) of B-X / I-X / O labels; an I-X that follows no X begins a span (CoNLL's rule)."""
    spans: list[tuple[int, int, str]] = []
    start, current = 0, ""
    for place, label in enumerate([*labels, "O"]):
        mark, _, name = label.partition("-")
        if current and (mark != "I" or name != current):
            spans.append((start, place, current))
            current = ""
        if mark in ("B", "I") and (mark == "B" or not current):
            start, current = place, name
    return spans


def _key(span: Hashable) -> Hashable:
    return tuple(span) if isinstance(span, list) else span
