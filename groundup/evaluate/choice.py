"""Tasks answered by likelihood: which of the given endings the model finds most probable (rank classification).

Two rules, both reported since neither is right everywhere (Brown et al. 2020, section 2.4; Gao 2021):
`accuracy` picks the ending with the highest summed log-probability, `accuracy_per_byte` the highest per byte of
the ending, so that long endings are not punished for their length. Ties go to the first choice. A third rule, per
token, is marked too, since the CORE aggregate is defined by it (`tasks/core.py`).

Items are asked together with those that are shown the same worked examples, so that the engine reads these once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome, mean_of
from groundup.evaluate.baselines import BM25, LONGEST_CHOICE, MAJORITY
from groundup.evaluate.shots import by_shots
from groundup.evaluate.subject import Subject
from groundup.evaluate.text import LN_2


@dataclass(frozen=True)
class ChoiceTask:
    """Pick one of the choices. separator stands between context and ending; chat: ask chat models with turns."""

    name: str
    read: Callable[[Data, str], list[Item]]
    chance: float | None = None  # None: one of the item's choices at random
    separator: str = " "
    chat: bool = True
    baselines: tuple[Baseline, ...] = (LONGEST_CHOICE, BM25, MAJORITY)
    kind: Kind = "choice"

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Accuracy by sum and by byte."""
        given = random_choice if self.chance is None else self.chance
        return (mean_of("accuracy", chance=given), mean_of("accuracy_per_byte", chance=given))

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return self.read(data, split)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """Right or wrong, for an answer given as text."""
        right = float(answer == item.choices[item.label])
        return {"accuracy": right, "accuracy_per_byte": right, "accuracy_per_token": right}

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Score every ending of every item, in one batch per set of shots."""
        found: dict[int, Outcome] = {}
        for places, shown in by_shots(items, shots):
            group = [items[place] for place in places]
            found.update(zip(places, self._answer(subject, group, shown), strict=True))
        return [found[place] for place in range(len(items))]

    def _answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        turns = subject.chat and self.chat
        pairs: list[tuple[list[int], list[int]]] = []
        prompts: list[str] = []
        before = "".join(_shown(shot, self.separator) + "\n\n" for shot in shots)
        for item in items:
            if turns:
                prompt, prompt_ids = subject.prompt(item, shots)
                pairs += [(prompt_ids, subject.tokenizer.encode(choice or " ")) for choice in item.choices]
            else:
                prompt = before + (item.choices[item.label] if item.ending else item.plain)
                texts = [(choice, item.ending) if item.ending else (item.plain, choice) for choice in item.choices]
                pairs += subject.pairs([(before + context, self.separator + ending) for context, ending in texts])
            prompts.append(prompt)
        scored = iter(subject.score(pairs))
        return [
            _outcome(item, prompt, [next(scored) for _ in item.choices])
            for item, prompt in zip(items, prompts, strict=True)
        ]

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        shown = "chat template" if subject.chat and self.chat else "plain text"
        return f"likelihood of each ending, {shown}, {shots}-shot"


def random_choice(outcomes: Sequence[Outcome]) -> float:
    """What one of the item's choices at random gets; items may have different numbers of them."""
    return sum(1 / len(outcome.item.choices) for outcome in outcomes) / len(outcomes)


def _outcome(item: Item, prompt: str, found: Sequence[Any]) -> Outcome:
    """The choices' scores as an answer and its marks."""
    sums = [one.logprob for one in found]
    # The ending's own bytes: a cut ending must not look better for being short.
    per_byte = [
        one.logprob / max(1, len((item.ending or choice).encode()))
        for one, choice in zip(found, item.choices, strict=True)
    ]
    per_token = [one.logprob / max(1, one.num_tokens) for one in found]
    by_sum = sums.index(max(sums))
    marks = {
        "accuracy": float(by_sum == item.label),
        "accuracy_per_byte": float(per_byte.index(max(per_byte)) == item.label),
        "accuracy_per_token": float(per_token.index(max(per_token)) == item.label),
    }
    return Outcome(item, prompt, item.choices[by_sum], marks)


@dataclass(frozen=True)
class ContinuationTask:
    """How probable is the one right ending: is every token of it the model's first choice, and how many bits."""

    name: str
    read: Callable[[Data, str], list[Item]]
    separator: str = " "
    baselines: tuple[Baseline, ...] = ()
    metrics: tuple[Metric, ...] = (
        mean_of("accuracy", chance=0.0),
        mean_of("bits", name="bits_per_ending", higher_is_better=False),
    )
    kind: Kind = "likelihood"

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split."""
        return self.read(data, split)

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """Right or wrong, for an answer given as text."""
        return {"accuracy": float(answer.strip() == item.gold.strip())}

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Score the right ending of every item, in one batch per set of shots."""
        found: dict[int, Outcome] = {}
        for places, shown in by_shots(items, shots):
            group = [items[place] for place in places]
            found.update(zip(places, self._answer(subject, group, shown), strict=True))
        return [found[place] for place in range(len(items))]

    def _answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        before = "".join(_shown(shot, self.separator) + "\n\n" for shot in shots)
        prompts = [before + item.plain for item in items]
        pairs = subject.pairs(
            [(prompt, self.separator + item.gold) for prompt, item in zip(prompts, items, strict=True)]
        )
        outcomes = []
        for item, prompt, one in zip(items, prompts, subject.score(pairs), strict=True):
            marks = {"accuracy": float(one.is_greedy), "bits": -one.logprob / LN_2}
            outcomes.append(Outcome(item, prompt, item.gold if one.is_greedy else "", marks))
        return outcomes

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        return f"likelihood of the right ending, greedy match, plain text, {shots}-shot"


def _shown(item: Item, separator: str) -> str:
    """A worked example as text: its context, the separator, its right ending."""
    if item.ending:
        return item.choices[item.label] + separator + item.ending
    return item.plain + separator + (item.choices[item.label] if item.choices else item.gold)
