"""Does a classifier treat groups alike? Group fairness, each as difference and as ratio of the extreme groups.

    demographic parity   P(says yes | group)                         (Dwork et al. 2012)
    equal opportunity    P(says yes | group, yes is right)           (Hardt et al. 2016)
    equalised odds       the worse of that and P(says yes | group, no is right)

0 and 1 are fair. They cannot all hold where groups differ in how often yes is right (Kleinberg et al. 2017): which one
matters is a decision for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fairness:
    """difference: largest less smallest group's rate; ratio: smallest over largest. rates: group -> (rate, n)."""

    difference: float
    ratio: float
    rates: dict[str, tuple[float, int]]


def demographic_parity(yes: Sequence[bool], groups: Sequence[str]) -> Fairness:
    """Over the rate of yes in each group."""
    return _over(yes, groups, np.ones(len(yes), dtype=bool))


def equal_opportunity(yes: Sequence[bool], gold: Sequence[bool], groups: Sequence[str]) -> Fairness:
    """Over each group's rate of yes among those where yes is right."""
    return _over(yes, groups, np.asarray(gold, dtype=bool))


def equalised_odds(yes: Sequence[bool], gold: Sequence[bool], groups: Sequence[str]) -> Fairness:
    """The one of both rates (yes where it is right, yes where it is wrong) that differs most between groups."""
    right = np.asarray(gold, dtype=bool)
    return max(_over(yes, groups, right), _over(yes, groups, ~right), key=lambda one: one.difference)


def _over(yes: Sequence[bool], groups: Sequence[str], among: np.ndarray) -> Fairness:
    """Rates among the chosen items. ValueError where a group has none of them: it has no rate."""
    said, names = np.asarray(yes, dtype=float), np.asarray(groups)
    if not len(said) == len(names) == len(among):
        raise ValueError("as many answers, groups and gold values are needed")
    rates = {}
    for group in sorted(set(groups)):
        mine = said[(names == group) & among]
        if not len(mine):
            raise ValueError(f"group '{group}' has no item to rate")
        rates[group] = (float(mine.mean()), len(mine))
    shares = [rate for rate, _ in rates.values()]
    ratio = min(shares) / max(shares) if max(shares) else 1.0
    return Fairness(max(shares) - min(shares), ratio, rates)
