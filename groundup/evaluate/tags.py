"""Tasks of tagging: which spans of a text are what? A tagger (finetune, method = "tag") marks them.

Micro F1 over exact spans with their names (CoNLL 2003). Rival: a dictionary of the training spans, each found again word
for word, with the name it mostly had.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.core.errors import DataError
from groundup.core.example import Example
from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome, Task, mean_of
from groundup.evaluate.subject import Subject
from groundup.evaluate.whole_set import SPAN_F1
from groundup.finetune.gold import is_tagged

Spans = Sequence[Any]  # dicts, or objects, with start, end, text and label


@dataclass(frozen=True)
class TagTask:
    """Mark the spans. Items carry the right ones in meta["spans"]."""

    name: str
    read: Callable[[Data, str], list[Item]]
    kind: Kind = "choice"
    takes_shots: bool = False
    metrics: tuple[Metric, ...] = (SPAN_F1, mean_of("exact_match"))
    answered_by: tuple[str, ...] = ("tag",)

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """Learns the training spans by heart."""
        return (Baseline("dictionary", dictionary),)

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return self.read(data, split)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """Tags are spans, not a text."""
        raise TypeError("spans are marked by `outcome`, not as text")

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Let the tagger read."""
        from groundup.finetune.tag import Tagger

        tagger = Tagger(subject.bundle)
        return [outcome(item, tagger.tag(item.text)) for item in items]

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        return "spans named by a head, exact spans count, 0-shot"


def tag_item(example: Example, file: str) -> Item:
    """DataError for a row without named spans."""
    if not is_tagged(example):
        raise DataError(f"{file}: the example {example.id} has no text with named spans.")
    gold = shown(example.spans)
    known = {"spans": list(example.spans)}
    return Item(example.id, example.text, gold, text=example.text, document_id=example.document_id, meta=known)


def outcome(item: Item, given: Spans) -> Outcome:
    """Marks: how many spans are right, claimed, and there."""
    right, claims = _keys(item.meta["spans"]), _keys(given)
    marks = {"right": len(right & claims), "claims": len(claims), "truths": len(right), "exact_match": right == claims}
    return Outcome(item, item.text, shown(given), {name: float(value) for name, value in marks.items()})


def shown(spans: Spans) -> str:
    """Spans for people."""
    return "; ".join(f"{row['label']}: {row['text']}" for row in map(_plain, spans))


def _keys(spans: Spans) -> set[tuple[int, int, str]]:
    return {(int(row["start"]), int(row["end"]), str(row["label"])) for row in map(_plain, spans)}


def _plain(span: Any) -> dict[str, Any]:
    return span if isinstance(span, dict) else vars(span)


def dictionary(task: Task, train: Sequence[Item], asked: Sequence[Outcome]) -> list[Outcome] | None:
    """Training spans found again as whole words, the longest first, none inside another."""
    names: dict[str, Counter[str]] = {}
    for item in train:
        for span in item.meta["spans"]:
            names.setdefault(str(span["text"]), Counter())[str(span["label"])] += 1
    if not names:
        return None
    longest = sorted(names, key=len, reverse=True)
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, longest)) + r")(?!\w)")
    found = []
    for one in asked:
        matches = pattern.finditer(one.item.text)
        spans = [
            {"start": m.start(), "end": m.end(), "text": m.group(), "label": names[m.group()].most_common(1)[0][0]}
            for m in matches
        ]
        found.append(outcome(one.item, spans))
    return found
