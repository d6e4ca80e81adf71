"""A lower bound on epsilon from one training run (Steinke, Nasr and Jagielski 2023, arXiv:2305.08846).

Each of m secrets was planted or left out by a fair coin. Whoever guesses the coins from the model is right, under
epsilon-differential privacy, no more often than Binomial(guesses, e^eps / (1 + e^eps)) allows. More right guesses than
that at the 5 % level refute the epsilon; the bound is the largest epsilon that is refuted. 100 of 100 right: 3.49.

Pure differential privacy (delta = 0) is assumed, which for the deltas in use changes the third digit. A secret in several
documents is several units: only those planted once bound the epsilon of a document.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from groundup.metrics.intervals import binomial_tail

LEVEL = 0.05


def epsilon_bound(right: int, guesses: int, *, level: float = LEVEL) -> float:
    """The largest epsilon that so many right guesses refute; 0 where they refute none."""
    if not 0 <= right <= guesses or not guesses:
        raise ValueError(f"{right} of {guesses} guesses cannot be right")
    low, high = 0.0, 50.0
    if binomial_tail(right, guesses, 0.5) > level:
        return 0.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        refuted = binomial_tail(right, guesses, 1 / (1 + math.exp(-middle))) <= level
        low, high = (middle, high) if refuted else (low, middle)
    return low


def right_guesses(numbers: Sequence[float], planted: Sequence[bool]) -> int:
    """How many coins are guessed when the half with the higher numbers is called planted (the coins are balanced)."""
    order = sorted(range(len(numbers)), key=lambda place: -numbers[place])
    called = set(order[: len(order) // 2])
    return sum((place in called) == bool(coin) for place, coin in enumerate(planted))
