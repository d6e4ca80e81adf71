"""Tasks that the model answers by writing: greedy, batched, marked against the gold answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from groundup.core.errors import UsageError
from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome
from groundup.evaluate.subject import Subject


@dataclass(frozen=True)
class GenerationTask:
    """A task from four functions: where items come from, how an answer is marked, what metrics, what rivals.

    read(data, split) -> items. marked(item, answer) -> marks. max_tokens: room for the answer; an answer that
    needs more is cut and marked as it is.
    """

    name: str
    read: Callable[[Data, str], list[Item]]
    marked: Callable[[Item, str], dict[str, float]]
    metrics: tuple[Metric, ...]
    baselines: tuple[Baseline, ...]
    max_tokens: int
    stop: str = "\n"  # ends a base model's answer
    kind: Kind = "generation"
    answered_by: tuple[str, ...] = ("", "encoder_decoder")

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return self.read(data, split)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """The marks of one answer."""
        return self.marked(item, answer)

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Let the model write, mark what it wrote."""
        if subject.kind == "classify":
            written = _selected(subject, items)
        else:
            written = subject.write(items, shots, self.max_tokens, stop=self.stop)
        return [
            Outcome(item, prompt, answer, self.mark(item, answer))
            for item, (prompt, answer) in zip(items, written, strict=True)
        ]

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        if subject.kind == "classify":
            return "one sentence selected by a head, 0-shot"
        shown = "chat template" if subject.chat else "plain text"
        shown = "from the source" if subject.kind == "encoder_decoder" else shown
        return f"generation, greedy, at most {self.max_tokens} tokens, {shown}, {shots}-shot"


def _selected(subject: Subject, items: Sequence[Item]) -> list[tuple[str, str]]:
    """The sentence that a selector takes from each text; UsageError for a classifier of something else."""
    from groundup.finetune.classify import Classifier
    from groundup.finetune.selecting import LABELS, select

    classifier = Classifier(subject.bundle)
    if tuple(classifier.labels) != LABELS:
        raise UsageError(
            f"This classifier tells {', '.join(classifier.labels[:5])} apart; it selects no sentences.",
            repair='Tune one on pairs of text and summary: method = "classify".',
        )
    return [(item.text, select(item.text, lambda rows: classifier.predict(rows)[1])) for item in items]
