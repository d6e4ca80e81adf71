"""Which values to try next: four plain ways; the fifth, TPE, is in `tpe`.

    grid       every combination (ranges: a few values spread over them)
    random     values by chance, as many as asked; better than a grid when few of many keys matter (Bergstra and Bengio 2012)
    ablation   the recipe as it is, then one change at a time, each with every seed
    ladder     one key that makes the model larger, every value in order; the page fits a scaling law

A proposer gives configurations; `seeds` repeats each of them. All are decided before the first run, so a sweep that is
continued tries the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.core.errors import UsageError
from groundup.core.randomness import python_random
from groundup.sweep.ledger import Trial
from groundup.sweep.space import Axis

GRID_STEPS = 4  # values of a range on a grid; taste
MAX_GRID = 500  # more is a slip of the pen; taste


@dataclass(frozen=True)
class Configuration:
    """Values to try, and what to call them."""

    values: Mapping[str, Any]
    name: str


def named(values: Mapping[str, Any]) -> str:
    """Values in a few words: the last part of each key."""
    return ", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in values.items()) or "base"


def configurations(method: str, axes: Sequence[Axis], num_trials: int | None, seed: int) -> list[Configuration]:
    """What a method tries, in order. UsageError when the axes do not fit it."""
    if method == "grid":
        found = [dict(zip([a.key for a in axes], row, strict=True)) for row in _product(axes)]
    elif method == "random":
        found = _random(axes, num_trials or 10, seed)
    elif method == "ablation":
        if any(axis.is_range for axis in axes):
            raise UsageError("An ablation changes one thing at a time to a value you name.", repair="Give a list.")
        found = [{}, *({axis.key: value} for axis in axes for value in axis.values)]
    elif method == "ladder":
        if len(axes) != 1:
            raise UsageError(f"A ladder climbs along one key; came: {len(axes)}.", repair="Name one --over.")
        found = [{axes[0].key: value} for value in axes[0].steps(GRID_STEPS)]
    else:
        raise ValueError(method)
    if num_trials is not None and method in ("grid",):
        found = found[:num_trials]
    return [Configuration(values, named(values)) for values in found]


def trials_of(found: Sequence[Configuration], seeds: Sequence[int]) -> list[Trial]:
    """Every configuration with every seed; all first seeds first, so that an early stop compares everything once."""
    rows = [(seed, group) for seed in seeds for group in range(len(found))]
    return [
        Trial(number, found[group].values, seed, group, found[group].name) for number, (seed, group) in enumerate(rows)
    ]


def _product(axes: Sequence[Axis]) -> list[tuple[Any, ...]]:
    choices = [axis.steps(GRID_STEPS) for axis in axes]
    size = 1
    for each in choices:
        size *= len(each)
    if size > MAX_GRID:
        raise UsageError(f"The grid has {size:,} combinations.", repair="Take --method random or tpe with --trials.")
    return list(itertools.product(*choices))


def _random(axes: Sequence[Axis], count: int, seed: int) -> list[dict[str, Any]]:
    source = python_random(seed, "sweep")
    found: list[dict[str, Any]] = []
    for _ in range(count * 20):  # a small space has fewer different combinations than asked for
        values = {axis.key: axis.draw(source) for axis in axes}
        if values not in found:
            found.append(values)
        if len(found) == count:
            break
    return found
