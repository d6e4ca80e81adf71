"""Duplicates across the whole corpus: exact copies by hash, near copies by MinHash; the longest of a cluster stays.

Memory a document: 16 bytes for its id, 16 for its hash, 512 for its signature; no text.
"""

from __future__ import annotations

import re

import xxhash

from groundup.clean.base import STEPS, Step
from groundup.clean.near import NearDuplicates
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped

_SPACE = re.compile(r"\s+")


@STEPS.register("duplicates")
class Duplicates(Step):
    """Drops "exact" and "near" copies; the detail names the document that stays."""

    name = "duplicates"
    needs_corpus = True

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        choice = options.duplicates
        self.near: NearDuplicates | None = None
        if choice.near:
            self.near = NearDuplicates(
                ngram=choice.ngram,
                permutations=choice.permutations,
                bands=choice.bands,
                threshold=choice.threshold,
            )
        self.first: dict[int, str] = {}  # hash of a text -> id of the first document with it
        self.ids: list[str] = []  # of the documents with a signature, in order
        self.lengths: list[int] = []
        self.kept_for: dict[str, tuple[str, str]] = {}  # id of a copy -> (reason, id of the one that stays)

    def look(self, document: Document) -> None:
        identity = _identity(document.text)
        first = self.first.setdefault(identity, document.id)
        if first != document.id:
            self.kept_for[document.id] = ("exact", first)
        elif self.near is not None:
            self.near.add(document.text)
            self.ids.append(document.id)
            self.lengths.append(len(document.text))

    def settle(self) -> None:
        self.first.clear()
        if self.near is None:
            return
        for cluster in self.near.clusters():
            best = max(cluster, key=lambda place: (self.lengths[place], -place))
            for place in cluster:
                if place != best:
                    self.kept_for[self.ids[place]] = ("near", self.ids[best])
        self.near = None  # the signatures have done their work
        self.ids.clear()
        self.lengths.clear()

    def apply(self, document: Document) -> Document | Dropped:
        copy = self.kept_for.get(document.id)
        if copy is None:
            return document
        return self.drop(document, copy[0], f"a copy of {copy[1]}")


def _identity(text: str) -> int:
    """A hash of the text without its white space and case."""
    return xxhash.xxh3_128_intdigest(_SPACE.sub(" ", text).strip().lower().encode("utf-8", "replace"))
