"""Paragraphs that stand in several documents: the first document keeps them, the others lose them.

As CCNet (Wenzek et al. 2020) does with hashes of paragraphs, but by the order of documents, so that the result does not
depend on who worked on which shard. A document of which little is left is dropped. Code is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xxhash

from groundup.clean.base import STEPS, Step, kind_of
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped

if TYPE_CHECKING:
    from groundup.clean.base import Arrays


@STEPS.register("paragraphs")
class Paragraphs(Step):
    """Removes repeated paragraphs; "only_repeated" where less than `min_left` of a document is its own."""

    name = "paragraphs"
    needs_corpus = True

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.paragraphs
        self.hashes: list[int] = []
        self.owners: list[int] = []  # of each hash, the document it stands in
        self.facts: list[Arrays] = []
        self.owner_of: dict[int, int] = {}  # the decision: hash of a repeated paragraph -> document that keeps it

    def look(self, document: Document) -> None:
        if kind_of(document) == "code":
            return
        found = set(self._hashes(document.text.split("\n\n"))) - {0}
        self.hashes += found
        self.owners += [int(document.id[:16], 16)] * len(found)

    def seen(self) -> Arrays:
        facts = {"hashes": np.array(self.hashes, dtype=np.uint64), "owners": np.array(self.owners, dtype=np.uint64)}
        self.hashes, self.owners = [], []
        return facts

    def take(self, facts: Arrays) -> None:
        self.facts.append(facts)

    def settle(self) -> Arrays:
        empty = np.zeros(0, dtype=np.uint64)
        hashes = np.concatenate([empty, *(facts["hashes"] for facts in self.facts)])
        owners = np.concatenate([empty, *(facts["owners"] for facts in self.facts)])
        self.facts = []
        found, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        is_repeated = counts >= self.options.min_documents
        return {"hashes": found[is_repeated], "owners": owners[first[is_repeated]]}

    def adopt(self, decision: Arrays) -> None:
        if decision:
            self.owner_of = dict(zip(decision["hashes"].tolist(), decision["owners"].tolist(), strict=True))

    def apply(self, document: Document) -> Document | Dropped:
        if not self.owner_of or kind_of(document) == "code":
            return document
        pieces = document.text.split("\n\n")
        me = int(document.id[:16], 16)
        hashes = self._hashes(pieces)
        kept = [piece for piece, number in zip(pieces, hashes, strict=True) if self.owner_of.get(number, me) == me]
        if len(kept) == len(pieces):
            return document
        text = "\n\n".join(kept).strip("\n")
        if len(text) < self.options.min_left * len(document.text):
            return self.drop(document, "only_repeated", f"{len(text) / len(document.text):.0%} is its own")
        self.counts["paragraphs"] += len(pieces) - len(kept)
        return document.with_text(text)

    def _hashes(self, pieces: list[str]) -> list[int]:
        """A hash for each paragraph without case and white space; 0 for one that is too short to count."""
        shortest = self.options.min_characters
        return [
            xxhash.xxh3_64_intdigest(" ".join(piece.lower().split()).encode("utf-8", "replace"))
            if len(piece) >= shortest
            else 0
            for piece in pieces
        ]
