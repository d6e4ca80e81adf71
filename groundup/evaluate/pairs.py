"""Tasks of pairs: does a text find its own partner among all partners asked? Sentence vectors answer (method "embed",
or any model without a head).

Mean reciprocal rank and recall at 1 over all partners of the asked rows, so `limit` makes the task easier: compare
scores of equal n only. Rival: BM25 over the same partners.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from groundup.core.errors import DataError, UsageError
from groundup.core.example import Example
from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome, Task, mean_of
from groundup.evaluate.baselines import bm25_scores
from groundup.evaluate.subject import Subject
from groundup.finetune.gold import has_partner


def one_in_n(outcomes: Sequence[Outcome]) -> float:
    """Recall at 1 by chance."""
    return 1 / len(outcomes)


@dataclass(frozen=True)
class PairTask:
    """Find the partner. gold is the partner's text."""

    name: str
    read: Callable[[Data, str], list[Item]]
    kind: Kind = "choice"
    takes_shots: bool = False
    metrics: tuple[Metric, ...] = (mean_of("reciprocal_rank"), mean_of("recall_at_1", chance=one_in_n))
    answered_by: tuple[str, ...] = ("", "bert", "encoder_decoder")

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """Learns nothing."""
        return (Baseline("BM25", by_words),)

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return self.read(data, split)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """A rank cannot be read off one answer."""
        raise TypeError("a partner is ranked among all, not marked alone")

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Rank by the cosine of the vectors."""
        from groundup.finetune.embed import Embedder

        if subject.bundle is None:
            raise UsageError(f"The task '{self.name}' needs a model in a layout that this house computes itself.")
        embedder = Embedder(subject.bundle)
        return ranked(
            items, embedder.embed([one.text for one in items]) @ embedder.embed([one.gold for one in items]).T
        )

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        return "cosine of sentence vectors, partners of all asked rows as candidates"


def pair_item(example: Example, file: str) -> Item:
    """DataError for a row that is no pair."""
    if not has_partner(example):
        raise DataError(f"{file}: the example {example.id} is no pair of texts that belong together.")
    text = example.text if example.task == "embed" or not example.question else example.question
    return Item(example.id, text, example.target, text=text, document_id=example.document_id)


def ranked(items: Sequence[Item], likeness_NN: np.ndarray) -> list[Outcome]:
    """Marks from the likeness of every text (row) to every partner; equal partners count as one, ties as lost."""
    partners = [item.gold for item in items]
    found = []
    for place, item in enumerate(items):
        other = np.array([partner != item.gold for partner in partners])
        rank = 1 + int((likeness_NN[place][other] >= likeness_NN[place, place] - 1e-6).sum())
        best = partners[int(likeness_NN[place].argmax())]
        found.append(Outcome(item, item.text, best, {"reciprocal_rank": 1 / rank, "recall_at_1": float(rank == 1)}))
    return found


def by_words(task: Task, train: Sequence[Item], asked: Sequence[Outcome]) -> list[Outcome]:
    """BM25 of every partner for every text."""
    items = [outcome.item for outcome in asked]
    partners = tuple(item.gold for item in items)
    return ranked(items, np.array([bm25_scores(replace(item, choices=partners), item.text) for item in items]))
