"""Tasks that the model answers by writing: greedy, batched, marked against the gold answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return self.read(data, split)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """The marks of one answer."""
        return self.marked(item, answer)

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Let the model write, mark what it wrote."""
        written = subject.write(items, shots, self.max_tokens, stop=self.stop)
        return [
            Outcome(item, prompt, answer, self.mark(item, answer))
            for item, (prompt, answer) in zip(items, written, strict=True)
        ]

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        shown = "chat template" if subject.chat else "plain text"
        return f"generation, greedy, at most {self.max_tokens} tokens, {shown}, {shots}-shot"
