"""The contract of a task: what it asks, how answers are marked, what simple rivals get.

    task.items(data)          what to ask, the held-out part only
    task.answer(subject, ...) one Outcome per item: the prompt as shown, the answer, the marks
    task.metrics              marks -> one number, each with an interval
    task.baselines            simple rivals, answering the same items, marked by the same function

A task is *generation* (the model writes), *choice* (the likeliest of the given answers) or *likelihood* (how
probable is the given text). Three small classes do the three kinds: `generation.py`, `choice.py` and
`tasks/bits_per_byte.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from groundup.core.errors import DataError, UsageError
from groundup.core.files import fingerprint
from groundup.core.registry import Registry
from groundup.evaluate.subject import Subject
from groundup.generate.purpose import HEADS

Kind = Literal["generation", "choice", "likelihood"]
KINDS_OF_MODEL = {  # `Subject.kind` in words
    "": "a language model",
    "bert": "an encoder",
    "encoder_decoder": "an encoder-decoder",
    **{kind: f"a {name}" for kind, name in HEADS.items()},
}


@dataclass(frozen=True)
class Item:
    """One question. `plain` is the text a base model continues, `messages` the turns a chat model answers.

    text, question: the parts of the prompt, for baselines. choices, label: candidate answers and the index of the
    right one. ending: where the choices are contexts that share one ending (Winograd schemas), that ending.
    document_id: the document the question was made from, where there is one.
    """

    id: str
    plain: str
    gold: str = ""
    messages: tuple[dict[str, Any], ...] = ()
    text: str = ""
    question: str = ""
    choices: tuple[str, ...] = ()
    label: int = -1
    ending: str = ""
    source: str = ""
    document_id: str = ""
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """One item answered and marked. `marks` holds the numbers that metrics add up, all finite."""

    item: Item
    prompt: str
    answer: str
    marks: dict[str, float]


@dataclass(frozen=True)
class Metric:
    """One number from many outcomes. `of` gets outcomes; `mark` names the mark it averages, when it is a mean.

    A mean of zeros and ones gets a Wilson interval, any other mean the bootstrap over its values, and a metric
    of the whole set (BLEU, macro F1, a ratio) the bootstrap over items.
    """

    name: str
    of: Callable[[Sequence[Outcome]], float]
    mark: str = ""
    higher_is_better: bool = True
    # What guessing gets: a number, or a rule of the outcomes where items differ in what can be guessed.
    chance: float | Callable[[Sequence[Outcome]], float] | None = None
    # Of the bootstrap over items: places the 2.5 % point to about one part in five of its own error. Taste: more
    # would take longer than asking the model.
    resamples: int = 500

    def chance_of(self, outcomes: Sequence[Outcome]) -> float | None:
        """What guessing gets on these items, None where that makes no sense."""
        return self.chance(outcomes) if callable(self.chance) else self.chance


@dataclass(frozen=True)
class Baseline:
    """A simple rival: gets the task, training items (maybe none) and the model's outcomes, whose items it answers.

    It returns its own outcomes on the same items, or None where it has nothing to learn from.
    """

    name: str
    outcomes: Callable[[Task, Sequence[Item], Sequence[Outcome]], list[Outcome] | None]


@dataclass(frozen=True)
class Data:
    """Where a task finds what it asks: the inputs of the stage by name, and the folder of the TOML tasks' files."""

    inputs: Mapping[str, Path]
    folder: Path | None = None
    seed: int = 1

    def needed(self, name: str, task: str) -> Path:
        """The folder of one input, or a DataError that says which task needs it."""
        if name not in self.inputs:
            raise DataError(
                f"The task '{task}' needs the folder of the stage '{name}', which was not given.",
                repair="Evaluate a run (groundup evaluate RUN), or name tasks that bring their own data.",
            )
        return self.inputs[name]


class Task(Protocol):
    """What `stage.run` needs of a task."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def metrics(self) -> tuple[Metric, ...]: ...
    @property
    def baselines(self) -> tuple[Baseline, ...]: ...

    # Optional: `takes_shots = False` where worked examples make no sense;
    # `draw(data, limit) -> items` where the task itself knows which items to ask, shots included;
    # `answered_by = ("", "classify")`: the kinds of model (`Subject.kind`) that can answer, ("",) when left out.

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """All items of a split; `stage.run` draws the ones that are asked."""
        ...

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Ask the model, mark its answers; one outcome per item in order."""
        ...

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """The marks of one answer text: for the model's and for the baselines' alike."""
        ...

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words: kind, format, shots."""
        ...


def takes_shots(task: Task, subject: Subject) -> bool:
    """Whether worked examples can be shown: not where no question is asked, nor to a model that does not go on a text."""
    return bool(getattr(task, "takes_shots", True)) and not subject.kind


def fits(task: Task, subject: Subject) -> bool:
    """Whether this kind of model can answer a task."""
    return subject.kind in _able(task)


def demand_fit(task: Task, subject: Subject) -> None:
    """UsageError for a model that cannot answer a task: a classifier asked to write, a language model to tag."""
    if not fits(task, subject):
        raise UsageError(
            f"The task '{task.name}' is not for this model, {KINDS_OF_MODEL[subject.kind]}.",
            repair=f"It is answered by {' or '.join(KINDS_OF_MODEL[kind] for kind in _able(task))}. Rows of your own are a "
            "task: see groundup evaluate --help.",
        )


def _able(task: Task) -> tuple[str, ...]:
    return tuple(getattr(task, "answered_by", ("",)))


tasks: Registry[Callable[[], Task]] = Registry("evaluation task")


def mean_of(
    mark: str,
    *,
    name: str = "",
    higher_is_better: bool = True,
    chance: float | Callable[[Sequence[Outcome]], float] | None = None,
) -> Metric:
    """The metric that averages one mark."""

    def mean(outcomes: Sequence[Outcome]) -> float:
        return math.fsum(outcome.marks[mark] for outcome in outcomes) / len(outcomes)

    return Metric(name or mark, mean, mark, higher_is_better, chance)


def ratio_of(above: str, below: str, name: str, *, higher_is_better: bool) -> Metric:
    """The metric that divides two sums of marks, such as bits by bytes; 0 when the lower sum is 0."""

    def ratio(outcomes: Sequence[Outcome]) -> float:
        total = math.fsum(outcome.marks[below] for outcome in outcomes)
        return math.fsum(outcome.marks[above] for outcome in outcomes) / total if total else 0.0

    return Metric(name, ratio, "", higher_is_better)


def hash_of(items: Sequence[Item]) -> str:
    """A hash of what is asked and what is right, so that two scores are known to be about the same thing."""
    return fingerprint([[item.id, item.plain, item.gold, item.choices, item.label] for item in items])[:16]
