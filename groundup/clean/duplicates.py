"""Duplicates across the whole corpus, and against an older one: exact copies by hash, near copies by MinHash.

Of a cluster the best copy stays: of a preferred source, with a higher quality score (step "score"), with a known
licence, the longest, the first; in this order. A copy of something in the older corpus (`duplicates.against`) goes.

Memory a document in the one place where clusters are made: 32 bytes of id, 16 of hash, 512 of signature; no text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import xxhash

from groundup.clean.base import STEPS, Step
from groundup.clean.near import NearDuplicates, clusters_of
from groundup.clean.options import CleanOptions
from groundup.clean.outside import texts_of
from groundup.core.document import Document, Dropped

if TYPE_CHECKING:
    from groundup.clean.base import Arrays

_SPACE = re.compile(r"\s+")
OLDER = "an older corpus"  # what the detail names in place of an id


@STEPS.register("duplicates")
class Duplicates(Step):
    """Drops "exact", "near" and "older" copies; the detail names the document that stays."""

    name = "duplicates"
    needs_corpus = True

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.duplicates
        self.near = self._signer()
        self.rows: list[tuple[str, int, tuple[float, ...]]] = []  # id, hash, rank of the shard's documents
        self.in_shard: set[int] = set()
        self.is_signed: list[bool] = []  # an exact copy within the shard needs no signature of its own
        self.facts: list[Arrays] = []
        self.kept_for: dict[str, tuple[str, str]] = {}  # the decision: id of a copy -> (reason, id of what stays)

    def _signer(self) -> NearDuplicates:
        choice = self.options
        return NearDuplicates(
            ngram=choice.ngram, permutations=choice.permutations, bands=choice.bands, threshold=choice.threshold
        )

    def look(self, document: Document) -> None:
        identity = _identity(document.text)
        is_new = identity not in self.in_shard
        self.in_shard.add(identity)
        self.rows.append((document.id, identity, self._rank(document)))
        self.is_signed.append(is_new and self.options.near)
        if self.is_signed[-1]:
            self.near.add(document.text)

    def _rank(self, document: Document) -> tuple[float, ...]:
        prefer = self.options.prefer
        place = prefer.index(document.source) if document.source in prefer else len(prefer)
        score = document.meta.get("quality_score", 0.0)
        return (-place, float(score), float(bool(document.licence)), float(len(document.text)))

    def seen(self) -> Arrays:
        facts = {
            "ids": np.array([row[0].encode() for row in self.rows], dtype="S32"),
            "hashes": _halves([row[1] for row in self.rows]),
            "ranks": np.array([row[2] for row in self.rows], dtype=np.float64).reshape(-1, 4),
            "is_signed": np.array(self.is_signed, dtype=bool),
            "signatures": self.near.signatures(),
        }
        self.rows, self.in_shard, self.is_signed = [], set(), []
        return facts

    def take(self, facts: Arrays) -> None:
        self.facts.append(facts)

    def settle(self) -> Arrays:
        older = self._older()
        every = [*older, *self.facts]
        num_older = sum(len(facts["ids"]) for facts in older)
        self.facts = []
        ids = np.concatenate([facts["ids"] for facts in every]) if every else np.zeros(0, dtype="S32")
        if not len(ids):
            return {}
        hashes = np.concatenate([facts["hashes"] for facts in every])
        ranks = np.concatenate([facts["ranks"] for facts in every])
        signed = np.flatnonzero(np.concatenate([facts["is_signed"] for facts in every]))
        signatures = np.concatenate([facts["signatures"] for facts in every])
        group = _first_of_each(hashes)  # of every document, the first with the same text
        is_first = group[signed] == signed
        near = np.arange(len(ids))
        for cluster in clusters_of(signatures[is_first], bands=self.options.bands, threshold=self.options.threshold):
            near[signed[is_first][cluster]] = signed[is_first][cluster[0]]
        return self._decision(ids, ranks, group, near[group], num_older)

    def _decision(
        self, ids: np.ndarray, ranks: np.ndarray, group: np.ndarray, cluster: np.ndarray, num_older: int
    ) -> Arrays:
        """group, cluster: of every document, the first one with the same text, with about the same text."""
        places = np.arange(len(ids))
        # The best of each cluster: sorted by cluster, then rank (the best first), then place
        order = np.lexsort((places, *(-ranks[:, column] for column in reversed(range(ranks.shape[1]))), cluster))
        starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
        best = np.empty(len(ids), dtype=np.int64)
        best[order] = np.repeat(order[starts], np.diff(np.append(starts, len(ids))))
        is_older = cluster < num_older  # the older corpus comes first, so it is the first of its clusters
        copies = np.flatnonzero(((best != places) | is_older) & (places >= num_older))
        is_exact = (group[copies] != copies) | (group[copies] == group[best[copies]])
        reasons = np.where(is_exact, b"exact", b"near")
        return {
            "ids": ids[copies],
            "reasons": np.where(is_older[copies], b"older", reasons).astype("S5"),
            "kept": np.where(is_older[copies], b"", ids[best[copies]]).astype("S32"),
        }

    def _older(self) -> list[Arrays]:
        """The facts of the older corpus; its texts have no id."""
        if not self.options.against:
            return []
        for text in texts_of(self.options.against, "clean.duplicates.against"):
            self.look(Document(text, "older", "", id="-"))
        return [self.seen()]

    def adopt(self, decision: Arrays) -> None:
        if decision:
            columns = (decision[name].astype(str).tolist() for name in ("ids", "reasons", "kept"))
            self.kept_for = {copy: (reason, kept) for copy, reason, kept in zip(*columns, strict=True)}

    def apply(self, document: Document) -> Document | Dropped:
        copy = self.kept_for.get(document.id)
        if copy is None:
            return document
        return self.drop(document, copy[0], f"a copy of {copy[1] or OLDER}")


def _identity(text: str) -> int:
    """A 128-bit hash of the text without its white space and case."""
    return xxhash.xxh3_128_intdigest(_SPACE.sub(" ", text).strip().lower().encode("utf-8", "replace"))


def _halves(numbers: list[int]) -> np.ndarray:
    """(N, 2) uint64: 128-bit numbers as pairs."""
    low = (1 << 64) - 1
    return np.array([(number >> 64, number & low) for number in numbers], dtype=np.uint64).reshape(-1, 2)


def _first_of_each(hashes: np.ndarray) -> np.ndarray:
    """(N,) of every row the place of the first row equal to it."""
    _, first, inverse = np.unique(hashes, axis=0, return_index=True, return_inverse=True)
    return np.asarray(first[inverse.ravel()])
