"""TruthfulQA (Lin et al. 2022, arXiv:2109.07958) by likelihood: does a model prefer the truth to a common mistake?

    truthfulqa_mc1    the best true answer against all false ones: accuracy
    truthfulqa_mc2    the share of probability that falls on the true answers, all of them against all false ones

Asked as "Q: ...\\nA:" without the six questions that the paper shows before each (these fill a small model's context);
shots, when asked for, are questions of the set that are not asked. Rows: truthfulqa.csv of the authors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundup.core.files import fingerprint
from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome, mean_of, tasks
from groundup.evaluate.baselines import BM25, LONGEST_CHOICE
from groundup.evaluate.choice import ChoiceTask
from groundup.evaluate.rows import place_of, read_rows
from groundup.evaluate.shots import by_shots
from groundup.evaluate.subject import Subject

FILE = "truthfulqa.csv.gz"


def read(data: Data, split: str, *, all_true: bool) -> list[Item]:
    """One item a question. all_true: every true answer is a choice (MC2), not the best one alone (MC1)."""
    if split == "train":
        return []
    items = []
    for row in read_rows(place_of(FILE, "truthfulqa", data)):
        false = _parts(row["Incorrect Answers"])
        best = row["Best Answer"].strip()
        true = list(dict.fromkeys([best, *_parts(row["Correct Answers"])])) if all_true else [best]
        # Where the right one stands follows from the question's hash: first among equals must not be right.
        question = row["Question"].strip()
        choices = sorted([*true, *false], key=lambda choice: fingerprint([question, choice]))
        plain = f"Q: {question}\nA:"
        meta = {"true": [choice in true for choice in choices]}
        items.append(
            Item(
                fingerprint(question)[:16],
                plain,
                best,
                text=question,
                question=question,
                choices=tuple(choices),
                label=choices.index(best),
                meta=meta,
            )
        )
    return items


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


@dataclass(frozen=True)
class ShareTask:
    """MC2: probabilities over all choices, summed over the true ones."""

    name: str = "truthfulqa_mc2"
    kind: Kind = "choice"
    baselines: tuple[Baseline, ...] = (LONGEST_CHOICE, BM25)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The share; guessing spreads it evenly."""
        return (mean_of("true_share", chance=_even),)

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return read(data, split, all_true=True)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """1 for an answer that is one of the true ones."""
        return {"true_share": float(item.meta["true"][item.choices.index(answer)])}

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Score every choice of every item."""
        found: dict[int, Outcome] = {}
        for places, shown in by_shots(items, shots):
            before = "".join(f"{shot.plain} {shot.gold}\n\n" for shot in shown)
            pairs = subject.pairs(
                [(before + items[place].plain, f" {choice}") for place in places for choice in items[place].choices]
            )
            scored = iter(subject.score(pairs))
            for place in places:
                item = items[place]
                found[place] = _outcome(item, before + item.plain, [next(scored) for _ in item.choices])
        return [found[place] for place in range(len(items))]

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        return f"probability of all true answers among all answers, plain text, {shots}-shot"


def _outcome(item: Item, prompt: str, scored: Sequence[Any]) -> Outcome:
    best = max(one.logprob for one in scored)
    shares = [math.exp(one.logprob - best) for one in scored]
    true = math.fsum(share for share, is_true in zip(shares, item.meta["true"], strict=True) if is_true)
    answer = item.choices[shares.index(max(shares))]
    return Outcome(item, prompt, answer, {"true_share": min(1.0, true / math.fsum(shares))})


def _even(outcomes: Sequence[Outcome]) -> float:
    return sum(sum(one.item.meta["true"]) / len(one.item.choices) for one in outcomes) / len(outcomes)


@tasks.register("truthfulqa_mc1")
def truthfulqa_mc1() -> ChoiceTask:
    """The best answer against the false ones."""

    def of_best(data: Data, split: str) -> list[Item]:
        return read(data, split, all_true=False)

    return ChoiceTask("truthfulqa_mc1", of_best, chat=False, baselines=(LONGEST_CHOICE, BM25))


@tasks.register("truthfulqa_mc2")
def truthfulqa_mc2() -> ShareTask:
    """The share of the true answers."""
    return ShareTask()
