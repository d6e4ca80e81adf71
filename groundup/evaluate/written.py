"""Benchmarks whose answer is written and compared: trivia, sums, scrambled words.

What counts as the answer is one of a few plain rules, named in the task's TOML file:

    line      all of the written line, compared as SQuAD does (case, punctuation, articles and blanks aside)
    number    the last number of what was written (GSM8K, SVAMP: a solution may come before it)
    exact     the line as it stands, blanks at its ends aside (arithmetic, scrambled words)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from groundup.evaluate.base import Baseline, Data, Item, mean_of
from groundup.evaluate.generation import GenerationTask
from groundup.metrics.answers import exact_match

Found = Literal["line", "number", "exact"]
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def written_task(
    name: str,
    read: Callable[[Data, str], list[Item]],
    *,
    found: Found,
    max_tokens: int,
    stop: str,
    rivals: tuple[Baseline, ...],
) -> GenerationTask:
    """A task whose one metric is accuracy; guessing gets nothing."""

    def marked(item: Item, answer: str) -> dict[str, float]:
        right = item.meta.get("answers") or [item.gold]
        return {"accuracy": float(is_right(right, answer, found))}

    return GenerationTask(name, read, marked, (mean_of("accuracy", chance=0.0),), rivals, max_tokens, stop)


def is_right(right: list[str], answer: str, found: Found) -> bool:
    """Whether a written answer is one of the right ones, by one of the rules above."""
    if found == "number":
        given = last_number(answer)
        return given is not None and any(given == last_number(one) for one in right)
    if found == "exact":
        return answer.strip() in [one.strip() for one in right]
    return exact_match(right, answer) == 1.0


def last_number(text: str) -> float | None:
    """The last number in a text, thousands' commas aside; None where there is none."""
    numbers = _NUMBER.findall(text)
    return float(numbers[-1].replace(",", "")) if numbers else None
