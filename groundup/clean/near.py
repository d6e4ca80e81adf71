"""Near duplicates: MinHash signatures (Broder 1997) by rensa, candidate pairs by LSH bands, clusters by union-find.

In: texts, one after the other. Out: clusters of places whose word n-grams are about the same. What is kept of a text
is its signature: `permutations` 32-bit numbers (512 bytes at 128).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import xxhash

from groundup.language.words import unspaced_share, words

BATCH_SHINGLES = 1 << 19  # hashed at once: 4 MB
CACHE_WORDS = 1 << 19  # word -> hash; emptied when full
SIGNATURE_SEED = 42  # any fixed number
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads the order of words over all bits


class _WordHashes(dict[str, int]):
    """word -> hash of the word without outer marks, computed on first use."""

    def __missing__(self, word: str) -> int:
        plain = word.strip(".,;:!?\"'()[]-\u2018\u2019\u201c\u201d\u2014")
        number = self[word] = xxhash.xxh3_64_intdigest(plain.encode("utf-8", "replace"))
        return number


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
        self._words = _WordHashes()
        self._pending: list[np.ndarray] = []
        self._pending_size = 0
        self._signatures: list[np.ndarray] = []  # blocks of (documents, permutations) uint32

    def add(self, text: str) -> None:
        """Take one text; its place is the number of texts before it."""
        hashes = self._hashes(text)
        self._pending.append(hashes)
        self._pending_size += len(hashes)
        self.count += 1
        if self._pending_size >= BATCH_SHINGLES:
            self._sign()

    def shingles(self, text: str) -> np.ndarray:
        """(S,) uint64: hashes of the text's word n-grams (of all its words when there are fewer than n)."""
        hashes = self._hashes(text)
        return _mixed(hashes, min(self.ngram, len(hashes)))

    def _hashes(self, text: str) -> np.ndarray:
        """(W,) uint64: one hash a word, without case and outer marks; [0] for a text without words."""
        lower = text.lower()
        found = words(lower) if unspaced_share(text[:2000]) > 0.3 else lower.split()
        if not found:
            return np.zeros(1, dtype=np.uint64)
        if len(self._words) > CACHE_WORDS:
            self._words.clear()
        return np.fromiter(map(self._words.__getitem__, found), dtype=np.uint64, count=len(found))

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
        mixed = _mixed(flat, self.ngram)
        shingles = mixed[np.minimum(places, len(mixed) - 1)]
        for number in np.flatnonzero(lengths < self.ngram).tolist():
            shingles[offsets[number]] = _mixed(self._pending[number], int(lengths[number]))[0]
        return shingles, offsets.astype(np.uint64)

    def clusters(self) -> Iterator[list[int]]:
        """Groups of two or more places, each in ascending order."""
        self._sign()
        signatures = (
            np.concatenate(self._signatures) if self._signatures else np.zeros((0, self.permutations), np.uint32)
        )
        parents = np.arange(len(signatures))
        for first, second in self._candidates(signatures):
            same = _agreement(signatures, first, second) >= self.threshold
            for a, b in zip(first[same].tolist(), second[same].tolist(), strict=True):
                root_a, root_b = _root(parents, a), _root(parents, b)
                if root_a != root_b:
                    parents[max(root_a, root_b)] = min(root_a, root_b)
        groups: dict[int, list[int]] = {}
        for place in np.flatnonzero(_is_in_group(parents)).tolist():
            groups.setdefault(_root(parents, place), []).append(place)
        yield from groups.values()

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

    def _candidates(self, signatures: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pairs (first of a bucket, another of it) per band: equal in all rows of the band."""
        rows = self.permutations // self.bands
        for band in range(self.bands):
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


def _mixed(hashes: np.ndarray, size: int) -> np.ndarray:
    """(W - size + 1,) uint64: one hash for each run of `size` words; the last alone where there are fewer."""
    count = max(1, len(hashes) - size + 1)
    mixed = hashes[:count].copy()
    for offset in range(1, min(size, len(hashes))):
        mixed = (mixed ^ (mixed >> np.uint64(29))) * FACTOR + hashes[offset : offset + count]
    return mixed


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
