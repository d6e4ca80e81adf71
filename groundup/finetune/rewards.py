"""Verifiable rewards: rules that tell from an answer's text how good it is, so that no model has to judge.

Each rule is a function (example, answer) -> a number from 0 to 1. A step names rules with their weights:
`rewards = { number = 1.0, ended = 0.1 }`; the reward of an answer is their weighted sum.

    exact      the answer is the target, but for case, punctuation and articles (SQuAD's normalization)
    number     the last number in the answer is the last number in the target (Cobbe et al. 2021, GSM8K)
    contains   the target stands somewhere in the answer
    choice     the answer names the right one of the example's choices, and no other
    json       the answer is JSON;   fields: the share of the target's JSON fields that are right (F1)
    pattern    the answer is of the form of the step's `pattern`
    ended      the answer ended by itself (gets no text: see `reward_of`)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from groundup.core.example import Example
from groundup.core.registry import Registry
from groundup.finetune.fields import read_object
from groundup.finetune.gold import label_of
from groundup.metrics.answers import exact_match, normalize_answer
from groundup.metrics.fields import field_f1, record_match

Rule = Callable[[Example, str], float]
rules: Registry[Rule] = Registry("reward")
PATTERN, ENDED = "pattern", "ended"  # rules that need more than the example and the text

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def names() -> list[str]:
    """Every rule a step can name."""
    return [*rules, PATTERN, ENDED]


def target_of(example: Example) -> str:
    """What would be right: the target, the label, or what the assistant says last in a conversation."""
    if example.target or example.label:
        return example.target or label_of(example)
    last = example.messages[-1] if example.messages else {}
    return str(last.get("content") or "") if last.get("role") == "assistant" else ""


def reward_of(example: Example, answer: str, weights: Mapping[str, float], *, ended: bool, pattern: str = "") -> float:
    """The weighted sum of the rules."""
    total = 0.0
    for name, weight in weights.items():
        if name == ENDED:
            value = float(ended)
        elif name == PATTERN:
            value = float(re.fullmatch(pattern, answer.strip(), flags=re.DOTALL) is not None)
        else:
            value = rules.get(name)(example, answer)
        total += weight * value
    return total


@rules.register("exact")
def exact(example: Example, answer: str) -> float:
    """See the module."""
    return exact_match(target_of(example), answer) if answer.strip() else 0.0


@rules.register("number")
def number(example: Example, answer: str) -> float:
    """See the module."""
    wanted, given = last_number(target_of(example)), last_number(answer)
    return float(wanted is not None and wanted == given)


@rules.register("contains")
def contains(example: Example, answer: str) -> float:
    """See the module; words are compared whole."""
    wanted = normalize_answer(target_of(example))
    return float(bool(wanted) and f" {wanted} " in f" {normalize_answer(answer)} ")


@rules.register("choice")
def choice(example: Example, answer: str) -> float:
    """See the module."""
    said = f" {normalize_answer(answer)} "
    named = [one for one in example.choices if f" {normalize_answer(one)} " in said]
    return float(named == [label_of(example)])


@rules.register("json")
def is_json(example: Example, answer: str) -> float:
    """See the module."""
    try:
        json.loads(answer)
    except (ValueError, RecursionError):
        return 0.0
    return 1.0


@rules.register("fields")
def fields(example: Example, answer: str) -> float:
    """See the module."""
    wanted = read_object(target_of(example))
    found = read_object(answer)
    if wanted is None or found is None:
        return 0.0
    return record_match(wanted, found) or field_f1([wanted], [found]).f1  # two empty records match


def last_number(text: str) -> float | None:
    """The last number that stands in a text; commas between digits are thousands."""
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None
