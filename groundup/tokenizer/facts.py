"""What is worth knowing about a tokenizer on its corpus: `facts.json`, read by the report."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from groundup.core.document import Document
from groundup.tokenizer.base import Tokenizer

NUM_ROUND_TRIPS = 200  # documents decoded again and compared (taste)
NUM_EXAMPLES = 5  # documents shown cut into tokens
EXAMPLE_CHARACTERS = 160


class Facts:
    """Gathers facts while documents are encoded."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.used = np.zeros(tokenizer.vocabulary_size, dtype=np.int64)  # how often each token stands in train
        self.sums: dict[str, dict[str, list[int]]] = {
            key: defaultdict(lambda: [0, 0]) for key in ("source", "language")
        }
        self.total = [0, 0]  # bytes, tokens
        self.round_trips = [0, 0]  # exact, tried
        self.examples: list[dict[str, Any]] = []

    def add(self, split: str, document: Document, ids: list[int], num_bytes: int) -> None:
        """One encoded document."""
        for sums in (self.total, self.sums["source"][document.source], self.sums["language"][document.language]):
            sums[0] += num_bytes
            sums[1] += len(ids)
        if split == "train":
            self.used += np.bincount(np.asarray(ids, dtype=np.int64), minlength=len(self.used))
        if self.round_trips[1] < NUM_ROUND_TRIPS and num_bytes < 1_000_000:
            self.round_trips[1] += 1
            self.round_trips[0] += self.tokenizer.decode(ids) == document.text
        if len(self.examples) < NUM_EXAMPLES and document.text.strip():
            beginning = document.text[:EXAMPLE_CHARACTERS]
            cut = [self.tokenizer.decode([place]) for place in self.tokenizer.encode(beginning)]
            self.examples.append({"id": document.id, "text": beginning, "tokens": cut})

    def bytes_per_token(self) -> float:
        """UTF-8 bytes a token stands for, over all splits."""
        return round(self.total[0] / max(1, self.total[1]), 4)

    def unused(self) -> int:
        """Ordinary tokens that never occur in the training split."""
        ordinary = np.ones(len(self.used), dtype=bool)
        ordinary[list(self.tokenizer.special.values())] = False
        return int(((self.used == 0) & ordinary).sum())

    def summary(self) -> dict[str, Any]:
        """All facts, as JSON values."""
        tokenizer = self.tokenizer
        frequent = [int(place) for place in np.argsort(-self.used, kind="stable")[:20] if self.used[place]]
        longest = np.argsort(-tokenizer.bytes_per_token, kind="stable")[:20]
        return {
            "kind": tokenizer.kind,
            "vocabulary_size": tokenizer.vocabulary_size,
            "bytes_per_token": self.bytes_per_token(),
            **{f"bytes_per_token_by_{key}": self._rates(key) for key in self.sums},
            "unused_tokens": self.unused(),
            "round_trip": {"exact": int(self.round_trips[0]), "tried": self.round_trips[1]},
            "frequent_tokens": [{"text": tokenizer.decode([p]), "count": int(self.used[p])} for p in frequent],
            "longest_tokens": [tokenizer.decode([int(place)]) for place in longest],
            "examples": self.examples,
        }

    def _rates(self, key: str) -> dict[str, float]:
        return {name: round(sums[0] / max(1, sums[1]), 4) for name, sums in sorted(self.sums[key].items())}
