"""Worked examples before a question: who is shown which.

Most tasks show every item the same ones. Where the rows are grouped (MMLU by subject: `meta["group"]`) an item is shown
those of its own group; where a task carries its own (`meta["shots"]`, the parts of CORE) it is shown these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from groundup.evaluate.base import Item


def shots_of(item: Item, shots: Sequence[Item]) -> tuple[Item, ...]:
    """What an item is shown."""
    if "shots" in item.meta:
        return tuple(item.meta["shots"])
    if "group" in item.meta:
        return tuple(shot for shot in shots if shot.meta.get("group") == item.meta["group"])
    return tuple(shots)


def by_shots(items: Sequence[Item], shots: Sequence[Item]) -> list[tuple[list[int], tuple[Item, ...]]]:
    """(places of items, what they are shown), items with the same examples together, in order of appearance."""
    found: dict[tuple[str, ...], tuple[list[int], tuple[Item, ...]]] = {}
    for place, item in enumerate(items):
        shown = shots_of(item, shots)
        found.setdefault(tuple(shot.id for shot in shown), ([], shown))[0].append(place)
    return list(found.values())


def draw_shots(rows: Sequence[Item], num_shots: int) -> tuple[list[Item], list[Item]]:
    """(shots, the rest): the first rows, of every group as many."""
    taken: dict[str, int] = defaultdict(int)
    shots, rest = [], []
    for row in rows:
        group = str(row.meta.get("group", ""))
        if taken[group] < num_shots:
            taken[group] += 1
            shots.append(row)
        else:
            rest.append(row)
    return shots, rest
