"""Counting right and wrong suggestions: precision, recall and F0.5 (a wrong correction costs more than a missed one)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

STEPS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998, 1.0)
FEWEST = 8  # mistakes of a kind on which its threshold can be set
RARE = 0.9


@dataclass
class Tally:
    """Suggestions over many sentences. rows: (probability, was it right, kind) of every suggestion."""

    rows: list[tuple[float, bool, str]] = field(default_factory=list)
    per_sentence: list[tuple[int, int, int]] = field(default_factory=list)  # right, suggested, wanted
    wanted: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)

    def add(
        self, rows: Sequence[tuple[float, bool, str]], wanted: int, kinds: Sequence[str] = (), found: Sequence[str] = ()
    ) -> None:
        """One sentence: its suggestions, and how many edits were wanted."""
        self.rows += rows
        self.wanted += wanted
        self.per_sentence.append((sum(right for _, right, _ in rows), len(rows), wanted))
        self.kinds.update(kinds)
        self.found.update(found)

    def at(self, threshold: float) -> dict[str, float]:
        """precision, recall, F0.5 at a threshold, and the number wanted."""
        kept = [right for p, right, _ in self.rows if p >= threshold]
        right = sum(kept)
        return {
            "precision": right / len(kept) if kept else 0.0,
            "recall": right / self.wanted if self.wanted else 0.0,
            "f0.5": f_half(right, len(kept), self.wanted),
            "wanted": float(self.wanted),
        }


def f_half(right: int, suggested: int, wanted: int) -> float:
    """F0.5 = 1.25 P R / (0.25 P + R), from counts; 0 when nothing right was suggested."""
    return 1.25 * right / (suggested + 0.25 * wanted) if right else 0.0


def best_thresholds(tally: Tally) -> dict[str, float]:
    """kind -> the threshold with the best F0.5 of that kind, on a grid of a twentieth; .9 for a kind hardly ever seen."""
    found = {}
    for kind in {row[2] for row in tally.rows} | set(tally.kinds):
        rows = [(p, right) for p, right, name in tally.rows if name == kind]
        wanted = tally.kinds[kind]

        def value(bar: float, rows: list[tuple[float, bool]] = rows, wanted: int = wanted) -> float:
            kept = [right for p, right in rows if p >= bar]
            return f_half(sum(kept), len(kept), wanted)

        grid = [step / 20 for step in range(10, 20)]  # under a half nothing is suggested, whatever F0.5 says
        found[kind] = max(grid, key=lambda one: (value(one), one)) if wanted >= FEWEST else RARE
    return found


def careful_thresholds(
    tally: Tally, right_text: Sequence[Sequence[tuple[float, str]]], start: dict[str, float], most_changed: float
) -> dict[str, float]:
    """Raise thresholds until at most a share `most_changed` of right sentences would be changed.

    right_text: the ``(probability, kind)`` of every edit over its threshold in each right sentence. A step at a time, of
    the kind that frees most right sentences for the right suggestions it gives up (`tally`: of spoiled sentences).
    """
    bars = dict(start)
    touched = [row for row in right_text if row]

    def changed(bars: dict[str, float]) -> int:
        return sum(any(p >= bars[kind] for p, kind in row) for row in touched)

    now = changed(bars)
    while now > most_changed * len(right_text):
        options = []
        for kind in {kind for row in touched for p, kind in row if p >= bars[kind]}:
            for step in (one for one in STEPS if one > bars[kind]):
                freed = now - changed(bars | {kind: step})
                lost = sum(right and name == kind and bars[kind] <= p < step for p, right, name in tally.rows)
                if freed:
                    options.append((freed / (1 + lost), freed, kind, step))
        if not options:
            break
        _, freed, kind, step = max(options)
        bars[kind] = step
        now -= freed
    return bars
