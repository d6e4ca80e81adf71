"""core: one number for a base model, the CORE of DataComp-LM (Li et al. 2024, arXiv:2406.11794, appendix G).

Each part is asked with its own number of shots, its accuracy is centred so that guessing is 0 and perfect is 1

    centred = (accuracy - chance) / (1 - chance)

and CORE is the mean over the parts. Chance is the one of DCLM's table, not ours, where the two differ (BoolQ's 0.62 is its
majority, CommonsenseQA's 0.403 its authors' figure). Choices are compared per token, as DCLM does.

Two of DCLM's 22 parts, SQuAD and CoQA as continuations, have no rows here: the mean is over the other 20, and the
protocol says so. A number of 22 parts from elsewhere is therefore near this one, not the same.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from groundup.core.errors import DataError
from groundup.core.randomness import python_random
from groundup.evaluate.base import Baseline, Data, Item, Kind, Metric, Outcome, Task, tasks
from groundup.evaluate.subject import Subject


@dataclass(frozen=True)
class Part:
    """One task of the aggregate, with DCLM's number of shots and chance."""

    task: str
    shots: int
    chance: float

    @property
    def name(self) -> str:
        """Names the part's rows: HellaSwag is asked twice."""
        return f"{self.task} {self.shots}-shot"


# DCLM's table (eval_meta_data.csv): shots and random baseline.
PARTS = (
    Part("hellaswag", 0, 0.25),
    Part("jeopardy", 10, 0.0),
    Part("bigbench_qa_wikidata", 10, 0.0),
    Part("arc_easy", 10, 0.25),
    Part("arc_challenge", 10, 0.25),
    Part("copa", 0, 0.5),
    Part("commonsense_qa", 10, 0.403),
    Part("piqa", 10, 0.5),
    Part("openbook_qa", 0, 0.25),
    Part("lambada", 0, 0.0),
    Part("hellaswag", 10, 0.25),
    Part("winograd", 0, 0.5),
    Part("winogrande", 0, 0.5),
    Part("bigbench_dyck_languages", 10, 0.0),
    Part("agi_eval_lsat_ar", 3, 0.25),
    Part("bigbench_cs_algorithms", 10, 0.0),
    Part("bigbench_operators", 10, 0.0),
    Part("bigbench_repeat_copy_logic", 10, 0.0),
    Part("boolq", 10, 0.62),
    Part("bigbench_language_identification", 10, 0.25),
)
CHANCE = {part.name: part.chance for part in PARTS}


def right(outcome: Outcome) -> float:
    """1 where the item counts as right for CORE: choices per token, continuations by greedy match."""
    return outcome.marks.get("accuracy_per_token", outcome.marks["accuracy"])


def centred_mean(outcomes: Sequence[Outcome]) -> float:
    """The mean over parts of their centred accuracies. Parts without an item here are left out."""
    by_part: dict[str, list[float]] = defaultdict(list)
    for outcome in outcomes:
        by_part[outcome.item.source].append(right(outcome))
    centred = []
    for name, marks in by_part.items():
        chance = CHANCE[name]
        centred.append((math.fsum(marks) / len(marks) - chance) / (1 - chance))
    return math.fsum(centred) / len(centred)


@dataclass(frozen=True)
class Core:
    """Asks its parts; `limit` counts items of each part."""

    name: str = "core"
    kind: Kind = "choice"
    takes_shots: bool = False
    metrics: tuple[Metric, ...] = (Metric("core", centred_mean, chance=0.0),)
    baselines: tuple[Baseline, ...] = ()

    @cached_property
    def parts(self) -> dict[str, Task]:
        """The tasks behind the parts, by the part's name."""
        from groundup.evaluate.catalogue import find_task

        return {part.name: find_task(part.task) for part in PARTS}

    def items(self, data: Data, split: str = "test") -> list[Item]:
        """Every part's items; each carries its part's name as source and what it is shown."""
        return [] if split == "train" else self.draw(data, "all")

    def draw(self, data: Data, limit: int | str) -> list[Item]:
        """At most `limit` items of every part, drawn as the part by itself would draw them."""
        found: list[Item] = []
        for part in PARTS:
            rows = self.parts[part.name].items(data)
            python_random(data.seed, "evaluate", part.task).shuffle(rows)
            shots, rest = tuple(rows[: part.shots]), rows[part.shots :]
            asked = rest if limit == "all" else rest[: int(limit)]
            if not asked:
                raise DataError(f"core: '{part.task}' has too few rows for {part.shots} shots.")
            found += [
                replace(item, id=f"{part.name} {item.id}", source=part.name, meta={**item.meta, "shots": shots})
                for item in asked
            ]
        return found

    def mark(self, item: Item, answer: str) -> dict[str, float]:
        """As the part marks it."""
        return self.parts[item.source].mark(item, answer)

    def answer(self, subject: Subject, items: Sequence[Item], shots: Sequence[Item]) -> list[Outcome]:
        """Ask every part its items, in base model's plain text."""
        plainly = replace(subject, chat=False)
        places: dict[str, list[int]] = defaultdict(list)
        for place, item in enumerate(items):
            places[item.source].append(place)
        found: dict[int, Outcome] = {}
        for name, of_part in places.items():
            found.update(
                zip(of_part, self.parts[name].answer(plainly, [items[place] for place in of_part], ()), strict=True)
            )
        subject.truncated = plainly.truncated
        return [found[place] for place in range(len(items))]

    def protocol(self, subject: Subject, shots: int) -> str:
        """In words."""
        return (
            f"{len(PARTS)} of the 22 parts of DCLM's CORE (SQuAD and CoQA left out), each with its own shots, centred on "
            "chance, choices per token, plain text"
        )


@tasks.register("core")
def core() -> Core:
    """The aggregate."""
    return Core()
