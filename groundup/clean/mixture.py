"""The mixture: how much of each source goes on to the tokenizer. Caps, epochs below and above one, weights.

Which documents stay is decided by a hash of their id, so that adding documents never swaps the others. A source that is
read more than once gets `meta.repeat`; its documents of the train split come again behind the others of their shard. With
weights, each weighted source gets the epochs that bring its share: the scarcest one, against its weight, is read
`max_epochs` times at most and the others follow; none is read less than its cap and epochs allow unless others need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xxhash

from groundup.clean.base import STEPS, Step
from groundup.clean.options import CleanOptions, SourceMix
from groundup.clean.shard import REPEAT
from groundup.core.document import Document, Dropped
from groundup.core.errors import RecipeError, near

if TYPE_CHECKING:
    from groundup.clean.base import Arrays


@STEPS.register("mixture")
class Mixture(Step):
    """Drops "cap" and "share"; sets meta.repeat."""

    name = "mixture"
    needs_corpus = True

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.mixture
        self.rows: list[tuple[int, int]] = []  # hash and bytes of each document looked at
        self.names: list[str] = []
        self.facts: list[Arrays] = []
        self.limit: dict[str, int] = {}  # the decision: source -> documents with a greater hash are over the cap
        self.epochs: dict[str, float] = {}

    def look(self, document: Document) -> None:
        self.rows.append((draw(document.id), len(document.text.encode("utf-8", "replace"))))
        self.names.append(document.source)

    def seen(self) -> Arrays:
        facts = {
            "rows": np.array(self.rows, dtype=np.uint64).reshape(-1, 2),
            "names": np.array(self.names, dtype=str),
        }
        self.rows, self.names = [], []
        return facts

    def take(self, facts: Arrays) -> None:
        self.facts.append(facts)

    def settle(self) -> Arrays:
        rows = np.concatenate([np.zeros((0, 2), dtype=np.uint64), *(facts["rows"] for facts in self.facts)])
        names = np.concatenate([np.zeros(0, dtype=str), *(facts["names"] for facts in self.facts)])
        self.facts = []
        sources = sorted(set(names.tolist()))
        for name in self.options.sources:
            if name not in sources:
                raise RecipeError(f"clean.mixture.sources: no source '{name}' left to mix.", repair=near(name, sources))
        limits, sizes = [], {}
        for name in sources:
            mine = rows[names == name]
            mine = mine[np.argsort(mine[:, 0], kind="stable")]
            count = _capped(mine[:, 1], self.options.sources.get(name, SourceMix()))
            limits.append(int(mine[count - 1, 0]))
            sizes[name] = int(mine[:count, 1].sum())
        epochs = epochs_of(sizes, self.options.sources, self.options.max_epochs)
        return {
            "sources": np.array(sources, dtype=str),
            "limits": np.array(limits, dtype=np.uint64),
            "epochs": np.array([epochs[name] for name in sources], dtype=np.float64),
        }

    def adopt(self, decision: Arrays) -> None:
        if decision:
            names = decision["sources"].tolist()
            self.limit = dict(zip(names, decision["limits"].tolist(), strict=True))
            self.epochs = dict(zip(names, decision["epochs"].tolist(), strict=True))

    def apply(self, document: Document) -> Document | Dropped:
        number = draw(document.id)
        if number > self.limit.get(document.source, number):
            return self.drop(document, "cap", f"beyond the cap of {document.source}")
        epochs = self.epochs.get(document.source, 1.0)
        # The part of an epoch goes to the documents whose second draw falls below it
        times = int(epochs) + (draw(f"{document.id} epoch") / 2**64 < epochs % 1)
        if times == 0:
            return self.drop(document, "share", f"{document.source} is read {epochs:.2f} times")
        if times == 1:
            return document
        return document.with_text(document.text, meta={**document.meta, REPEAT: times})


def draw(name: str) -> int:
    """A number below 2^64 that depends on the name only."""
    return xxhash.xxh3_64_intdigest(name.encode())


def _capped(sizes: np.ndarray, mix: SourceMix) -> int:
    """How many of a source's documents its caps allow, at least one."""
    count = len(sizes) if mix.max_documents is None else min(len(sizes), mix.max_documents)
    if mix.max_bytes is not None:
        count = min(count, int(np.searchsorted(np.cumsum(sizes), mix.max_bytes, side="right")))
    return max(1, count)


def epochs_of(sizes: dict[str, int], mixes: dict[str, SourceMix], max_epochs: float) -> dict[str, float]:
    """How often each source is read. sizes: bytes of each source under its caps.

    Weighted sources share one unit: bytes = weight x unit. The unit is as large as can be with none read more than
    `max_epochs` times, but not larger than needed to read the most plentiful of them once.
    """
    epochs = {name: mixes[name].epochs if name in mixes else 1.0 for name in sizes}
    weighted = {name: mix.weight for name, mix in mixes.items() if mix.weight is not None and sizes.get(name)}
    if weighted:
        units = {name: sizes[name] / weight for name, weight in weighted.items()}  # the unit that reads it once
        unit = min(max_epochs * min(units.values()), max(units.values()))
        epochs.update({name: unit / once for name, once in units.items()})
    return epochs
