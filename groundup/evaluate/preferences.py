"""Tasks of preferences: which of two answers is the better one? A reward model judges; a language model prefers what it
finds more probable (the margin that DPO moves).

Rival: the longer answer, which judges often like (Singhal et al. 2023).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from groundup.core.errors import DataError
from groundup.core.example import Example
from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome, Task, mean_of
from groundup.evaluate.subject import Subject

EQUAL = 1e-6  # rewards closer than this are a draw


@dataclass(frozen=True)
class PreferenceTask:
    """Prefer the right one. choices: the better answer first, the worse one second."""

    name: str
    read: Callable[[Data, str], list[Item]]
    kind: Kind = "choice"
    takes_shots: bool = False
    metrics: tuple[Metric, ...] = (mean_of("preferred", chance=0.5),)
    answered_by: tuple[str, ...] = ("", "reward")

    @property
    def baselines(self) -> tuple[Baseline, ...]:
        """Learns nothing."""
        return (Baseline("longer answer", longer),)

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return self.read(data, split)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """1 for the better answer, a half for neither."""
        return {"preferred": float(answer == item.choices[0]) if answer else 0.5}

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Compare rewards, or log-probabilities of the whole answers."""
        if subject.kind == "reward":
            from groundup.finetune.reward import RewardModel

            judge = RewardModel(subject.bundle)
            pairs = [judge.reward(item.messages, item.choices).tolist() for item in items]
        else:
            asked = [subject.prompt(item, ())[1] for item in items]
            rows = [(ids, subject.tokenizer.encode(one)) for item, ids in zip(items, asked, strict=True)
                    for one in item.choices]  # fmt: skip
            scored = iter(subject.score(rows))
            pairs = [[next(scored).logprob, next(scored).logprob] for _ in items]
        return [_outcome(item, float(better), float(worse)) for item, (better, worse) in zip(items, pairs, strict=True)]

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        return "rewards compared" if subject.kind == "reward" else "log-probabilities of the answers compared"


def preference_item(example: Example, file: str) -> Item:
    """DataError for a row that is no pair of answers to one question."""
    if example.task != "prefer" or len(example.choices) != 2 or not example.messages:
        raise DataError(f"{file}: the example {example.id} is no question with a better and a worse answer.")
    turns = tuple(example.messages)
    plain = "\n".join(str(turn["content"]) for turn in turns) + "\n"
    better, worse = example.choices
    return Item(example.id, plain, better, turns, choices=(better, worse), label=0, document_id=example.document_id)


def _outcome(item: Item, better: float, worse: float) -> Outcome:
    answer = "" if abs(better - worse) < EQUAL else item.choices[better < worse]
    marks = {"preferred": 0.5 if not answer else float(better > worse)}
    return Outcome(item, item.plain, answer, marks)


def longer(task: Task, train: Sequence[Item], asked: Sequence[Outcome]) -> list[Outcome]:
    """The answer with more characters."""
    return [_outcome(one.item, float(len(one.item.choices[0])), float(len(one.item.choices[1]))) for one in asked]
