"""Counting what the steps did: documents in, out, changed, dropped by reason, and a few samples of each.

A tally is kept per shard, written beside it, and merged: counts add up, samples are the first five.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_SAMPLES = 5  # per reason and for changes; enough to see the kind


@dataclass
class StepTally:
    """One step on one shard, or on all."""

    documents_in: int = 0
    documents_out: int = 0
    characters_in: int = 0
    characters_out: int = 0
    changed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)  # the step's own counts: kinds of personal data, languages
    seconds: float = 0.0
    samples: dict[str, list[dict[str, str]]] = field(default_factory=dict)  # "changed" or a reason -> samples

    def wants_sample(self, key: str) -> bool:
        """Whether there is room for another sample."""
        return len(self.samples.get(key, ())) < MAX_SAMPLES

    def add_sample(self, key: str, document_id: str, path: str, before: str, after: str, detail: str) -> None:
        """Keep one sample."""
        row = {"id": document_id, "path": path, "before": before, "after": after, "detail": detail}
        self.samples.setdefault(key, []).append(row)

    def merge(self, other: StepTally) -> None:
        """Add what another shard counted."""
        for name in ("documents_in", "documents_out", "characters_in", "characters_out", "changed", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.dropped += other.dropped
        self.found += other.found
        for key, rows in other.samples.items():
            mine = self.samples.setdefault(key, [])
            mine.extend(rows[: MAX_SAMPLES - len(mine)])

    def as_json(self) -> dict[str, Any]:
        """Plain values; reasons the most frequent first."""
        return {
            "documents_in": self.documents_in,
            "documents_out": self.documents_out,
            "characters_in": self.characters_in,
            "characters_out": self.characters_out,
            "changed": self.changed,
            "dropped": dict(self.dropped.most_common()),
            "found": dict(self.found.most_common()),
            "seconds": round(self.seconds, 2),
            "samples": self.samples,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> StepTally:
        """Read what `as_json` gave."""
        return cls(**{**values, "dropped": Counter(values["dropped"]), "found": Counter(values["found"])})
