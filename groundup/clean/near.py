"""Near duplicates: MinHash signatures (Broder 1997) by rensa, candidate pairs by LSH bands, clusters by union-find.

In: texts, one after the other. Out: clusters of places whose word n-grams are about the same. What is kept of a text
is its signature: `permutations` 32-bit numbers (512 bytes at 128). Signing (`signatures`) and grouping (`clusters_of`)
are apart, so that shards can be signed side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from groundup.clean.grams import FACTOR, WordHashes, mixed

BATCH_SHINGLES = 1 << 19  # hashed at once: 4 MB
SIGNATURE_SEED = 42  # any fixed number


class NearDuplicates:
    """Takes texts by `add`, then `clusters` groups their places (0, 1, ...)."""

    def __init__(self, *, ngram: int, permutations: int, bands: int, threshold: float) -> None:
        if bands > permutations:
            raise ValueError(f"{bands} bands need at least as many permutations, came {permutations}")
        self.ngram = ngram
        self.permutations = permutations
        self.bands = bands
        self.threshold = threshold
        self.count = 0
        self._words = WordHashes()
        self._pending: list[np.ndarray] = []
        self._pending_size = 0
        self._signatures: list[np.ndarray] = []  # blocks of (documents, permutations) uint32

    def add(self, text: str) -> None:
        """Take one text; its place is the number of texts before it."""
        hashes = self._words.of(text)
        self._pending.append(hashes)
        self._pending_size += len(hashes)
        self.count += 1
        if self._pending_size >= BATCH_SHINGLES:
            self._sign()

    def shingles(self, text: str) -> np.ndarray:
        """(S,) uint64: hashes of the text's word n-grams (of all its words when there are fewer than n)."""
        hashes = self._words.of(text)
        return mixed(hashes, min(self.ngram, len(hashes)))

    def _pending_shingles(self) -> tuple[np.ndarray, np.ndarray]:
        """All pending texts' shingles, one after the other, and where each text's begin (and the last ends).

        Computed over the whole batch at once; shingles across a border are left out, short texts done by themselves.
        """
        lengths = np.array([len(hashes) for hashes in self._pending])
        starts = np.cumsum(lengths) - lengths
        flat = np.concatenate(self._pending)
        sizes = np.maximum(1, lengths - self.ngram + 1)
        offsets = np.cumsum([0, *sizes])
        places = np.arange(offsets[-1]) - np.repeat(offsets[:-1], sizes) + np.repeat(starts, sizes)
        runs = mixed(flat, self.ngram)
        shingles = runs[np.minimum(places, len(runs) - 1)]
        for number in np.flatnonzero(lengths < self.ngram).tolist():
            shingles[offsets[number]] = mixed(self._pending[number], int(lengths[number]))[0]
        return shingles, offsets.astype(np.uint64)

    def signatures(self) -> np.ndarray:
        """(texts, permutations) uint32 of the texts since the last call, which are forgotten."""
        self._sign()
        empty = np.zeros((0, self.permutations), dtype=np.uint32)
        result = np.concatenate([*self._signatures, empty])
        self._signatures.clear()
        self.count = 0
        return result

    def clusters(self) -> Iterator[list[int]]:
        """Groups of two or more places, each in ascending order; the texts are forgotten."""
        return clusters_of(self.signatures(), bands=self.bands, threshold=self.threshold)

    def _sign(self) -> None:
        """Turn the pending shingles into signatures."""
        if not self._pending:
            return
        from rensa import RMinHash

        flat, offsets = self._pending_shingles()
        matrix: Any = RMinHash.digest_matrix_from_flat_token_hashes(flat, offsets, self.permutations, SIGNATURE_SEED)
        self._signatures.append(np.array(matrix.to_rows(), dtype=np.uint32).reshape(-1, self.permutations))
        self._pending.clear()
        self._pending_size = 0


def clusters_of(signatures: np.ndarray, *, bands: int, threshold: float) -> Iterator[list[int]]:
    """Groups of two or more rows whose signatures agree in a share of `threshold`, directly or over others."""
    parents = np.arange(len(signatures))
    for first, second in _candidates(signatures, bands):
        same = _agreement(signatures, first, second) >= threshold
        for a, b in zip(first[same].tolist(), second[same].tolist(), strict=True):
            root_a, root_b = _root(parents, a), _root(parents, b)
            if root_a != root_b:
                parents[max(root_a, root_b)] = min(root_a, root_b)
    groups: dict[int, list[int]] = {}
    for place in np.flatnonzero(_is_in_group(parents)).tolist():
        groups.setdefault(_root(parents, place), []).append(place)
    yield from groups.values()


def _candidates(signatures: np.ndarray, bands: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (first of a bucket, another of it) per band: equal in all rows of the band."""
    rows = signatures.shape[1] // bands
    for band in range(bands):
        part = np.ascontiguousarray(signatures[:, band * rows : (band + 1) * rows]).astype(np.uint64)
        keys = np.zeros(len(part), dtype=np.uint64)
        for row in range(rows):
            keys = (keys ^ (keys >> np.uint64(31))) * FACTOR + part[:, row]
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        is_start = np.ones(len(order), dtype=bool)
        is_start[1:] = ordered[1:] != ordered[:-1]
        starts = np.flatnonzero(is_start)
        heads = np.repeat(order[starts], np.diff(np.append(starts, len(order))))
        pairs = heads != order
        neighbours = np.concatenate([order[:1], order[:-1]])
        # Against the bucket's first and against its neighbour: a bucket that holds two clusters finds both
        yield heads[pairs], order[pairs]
        yield neighbours[pairs], order[pairs]


def _agreement(signatures: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The estimated Jaccard similarity of pairs: the share of equal places in their signatures."""
    parts = [
        (signatures[first[start : start + 4096]] == signatures[second[start : start + 4096]]).mean(axis=1)
        for start in range(0, len(first), 4096)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _root(parents: np.ndarray, place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = int(parents[place])
    return place


def _is_in_group(parents: np.ndarray) -> np.ndarray:
    """True for every place that has a partner."""
    alone = parents == np.arange(len(parents))
    has_children = np.zeros(len(parents), dtype=bool)
    has_children[parents[~alone]] = True
    return ~alone | has_children
