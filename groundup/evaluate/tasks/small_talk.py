"""small_talk: is a reply to a greeting, a thanks or a strange question sensible? 50 openers that no training shows.

The rules that judge lie beside the openers in `collect.samples.small_talk`. The rival says the same to everyone: the
one answer that most openers accept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from groundup.core.example import Example
from groundup.evaluate.base import Baseline, Data, Item, Outcome, Task, mean_of, tasks
from groundup.evaluate.generation import GenerationTask

MAX_TOKENS = 48  # the longest answer of training has 14 words; three times that, so that rambling shows


def read(data: Data, split: str) -> list[Item]:
    """The held-out openers; they have no training split."""
    from groundup.collect.samples.small_talk import held_out

    return [_item(example) for example in held_out()] if split == "test" else []


def marked(item: Item, answer: str) -> dict[str, float]:
    """1 for a sensible reply."""
    from groundup.collect.samples.small_talk import sensible

    return {"sensible": float(sensible(Example(**item.meta["example"]), answer))}


def _item(example: Example) -> Item:
    opener = str(example.messages[0]["content"])
    turns = tuple(example.messages[:1])
    return Item(
        example.id,
        f"User: {opener}\nAssistant:",
        example.target,
        turns,
        opener,
        opener,
        document_id=example.document_id,
        meta={"example": asdict(example)},
    )


def _one_answer(task: Task, train: Sequence[Item], asked: Sequence[Outcome]) -> list[Outcome]:
    items = [outcome.item for outcome in asked]
    best: list[Outcome] = []
    for answer in sorted({item.gold for item in items}):
        given = [Outcome(item, "", answer, task.mark(item, answer)) for item in items]
        if not best or sum(one.marks["sensible"] for one in given) > sum(one.marks["sensible"] for one in best):
            best = given
    return best


@tasks.register("small_talk")
def small_talk() -> GenerationTask:
    """The task."""
    rivals = (Baseline("one answer for all", _one_answer),)
    return GenerationTask("small_talk", read, marked, (mean_of("sensible"),), rivals, MAX_TOKENS)
