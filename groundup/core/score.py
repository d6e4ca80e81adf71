"""A score with all that is needed to believe it: interval, chance level, baseline, protocol, data hash."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundup.core.files import read_json, write_json


@dataclass(frozen=True)
class Score:
    """One measured number. `low` and `high` bound its 95 % interval; `n` is the number of items behind it."""

    task: str  # "stories_answers"
    metric: str  # "exact_match", "bits_per_byte"
    value: float
    low: float
    high: float
    n: int
    chance: float | None = None  # what guessing gets
    baseline: float | None = None  # the best simple rival, measured on the same items
    baseline_name: str = ""  # "question only", "lead-1", "bag of words"
    protocol: str = ""  # prompt, shots, likelihood or generation
    data_hash: str = ""
    higher_is_better: bool = True
    source: str = ""  # "books" where a score is told apart by source
    meta: dict[str, Any] | None = None

    @property
    def at_chance(self) -> bool:
        """True when the interval includes the chance level: no evidence of skill."""
        return self.chance is not None and self.low <= self.chance <= self.high


def write_scores(path: Path, scores: Iterable[Score]) -> None:
    """Write a list of scores as JSON."""
    rows = [asdict(score) for score in scores]
    for row in rows:
        for name in ("value", "low", "high"):
            if not math.isfinite(row[name]):
                raise ValueError(f"{row['task']} {row['metric']}: {name} is {row[name]}, not a number to report")
    write_json(path, rows)


def read_scores(path: Path) -> list[Score]:
    """Read what `write_scores` wrote."""
    return [Score(**row) for row in read_json(path)]
