"""Sums to learn and to check, made on the spot: addresses arithmetic:addition, subtraction, multiplication.

Every question is its own document, so that the split decides who is held out; two numbers of the same size always
fall to the same side. Answers are numbers alone: a rule can check them (see `rewards`).
"""

from __future__ import annotations

from collections.abc import Iterator

from groundup.core.errors import RecipeError, near
from groundup.core.example import Example
from groundup.core.randomness import python_random

KINDS = {"addition": "+", "subtraction": "-", "multiplication": "*"}
COUNT = 4000  # questions made; taste: more than a short run asks


def sums(kind: str, seed: int, digits: int = 2) -> Iterator[Example]:
    """Different questions with numbers of at most `digits` digits. RecipeError for an unknown kind."""
    if kind not in KINDS:
        raise RecipeError(f"There is no arithmetic:{kind}.", repair=near(kind, KINDS))
    sign = KINDS[kind]
    random = python_random(seed, "arithmetic", kind)
    top = 10**digits
    pairs = random.sample(range(top * top), min(COUNT, top * top))
    for pair in pairs:
        a, b = divmod(pair, top)
        answer = {"+": a + b, "-": a - b, "*": a * b}[sign]
        yield Example("qa", question=f"{a} {sign} {b} =", target=str(answer), source="arithmetic")
