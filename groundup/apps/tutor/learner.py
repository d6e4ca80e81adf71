"""What a learner knows and what comes next: mastery of each skill, and spaced repetition of each exercise.

Mastery: Bayesian knowledge tracing (Corbett and Anderson 1995). Repetition: boxes whose intervals double (Leitner 1972): a
right answer moves an exercise one box up, a wrong one back to the first. Both are a few numbers a person can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from groundup.core.errors import DataError

KNOWN_AT_FIRST, LEARNS, SLIPS, GUESSES = (
    0.3,
    0.15,
    0.1,
    0.25,
)  # the usual starting values; a guess hits one of four choices
MASTERED = 0.95  # Corbett and Anderson's bar
DAYS = (1, 2, 4, 8, 16, 32)  # of each box


@dataclass
class Card:
    """One exercise to come back. due: ISO date."""

    kind: str
    seed: int
    level: int
    box: int
    due: str


@dataclass
class Learner:
    """One person's progress, as JSON values."""

    mastery: dict[str, float] = field(default_factory=dict)
    cards: list[Card] = field(default_factory=list)
    answered: int = 0
    right: int = 0

    def answer(self, kind: str, seed: int, level: int, right: bool, today: date) -> None:
        """An exercise was answered."""
        skill = f"{kind} {level}"
        self.mastery[skill] = traced(self.mastery.get(skill, KNOWN_AT_FIRST), right)
        self.answered += 1
        self.right += right
        card = next((one for one in self.cards if (one.kind, one.seed, one.level) == (kind, seed, level)), None)
        if card is None and not right:
            self.cards.append(Card(kind, seed, level, 0, (today + timedelta(days=DAYS[0])).isoformat()))
        elif card is not None:
            card.box = card.box + 1 if right else 0
            if card.box >= len(DAYS):
                self.cards.remove(card)  # known for a month: done
            else:
                card.due = (today + timedelta(days=DAYS[card.box])).isoformat()

    def due(self, today: date) -> list[Card]:
        """What should come back now, the oldest first."""
        return sorted((one for one in self.cards if one.due <= today.isoformat()), key=lambda one: one.due)

    def level(self, kind: str) -> int:
        """The level to practise: the first that is not mastered, 3 at most."""
        return next((one for one in (1, 2) if self.mastery.get(f"{kind} {one}", 0.0) < MASTERED), 3)

    def as_values(self) -> dict[str, Any]:
        """For a JSON file."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Learner:
        """What `as_values` gave; DataError for another shape."""
        try:
            cards = [
                Card(
                    str(c["kind"]),
                    int(c["seed"]),
                    int(c["level"]),
                    int(c["box"]),
                    date.fromisoformat(c["due"]).isoformat(),
                )
                for c in values["cards"]
            ]
            mastery = {str(skill): min(1.0, max(0.0, float(value))) for skill, value in values["mastery"].items()}
            return cls(mastery, cards, int(values["answered"]), int(values["right"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise DataError("This is no learner's progress.", repair="Give a file that the tutor exported.") from None


def traced(known: float, right: bool) -> float:
    """The probability that a skill is known after one more answer."""
    hit, miss = (1 - SLIPS, GUESSES) if right else (SLIPS, 1 - GUESSES)
    after = known * hit / (known * hit + (1 - known) * miss)
    return after + (1 - after) * LEARNS
