"""Word n-grams as numbers: what near duplicates and contamination compare texts by."""

from __future__ import annotations

import numpy as np
import xxhash

from groundup.language.words import unspaced_share, words

CACHE_WORDS = 1 << 19  # word -> hash; emptied when full
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: spreads the order of words over all bits


class WordHashes(dict[str, int]):
    """word -> hash of the word without outer marks, computed on first use."""

    def __missing__(self, word: str) -> int:
        plain = word.strip(".,;:!?\"'()[]-\u2018\u2019\u201c\u201d\u2014")
        number = self[word] = xxhash.xxh3_64_intdigest(plain.encode("utf-8", "replace"))
        return number

    def of(self, text: str) -> np.ndarray:
        """(W,) uint64: one hash a word, without case and outer marks; [0] for a text without words."""
        found = split_words(text)
        if not found:
            return np.zeros(1, dtype=np.uint64)
        if len(self) > CACHE_WORDS:
            self.clear()
        return np.fromiter(map(self.__getitem__, found), dtype=np.uint64, count=len(found))


def split_words(text: str) -> list[str]:
    """Words in lower case: at white space, or one by one in scripts without it."""
    lower = text.lower()
    return words(lower) if unspaced_share(text[:2000]) > 0.3 else lower.split()


def mixed(hashes: np.ndarray, size: int) -> np.ndarray:
    """(W - size + 1,) uint64: one hash for each run of `size` words; the last alone where there are fewer."""
    count = max(1, len(hashes) - size + 1)
    result = hashes[:count].copy()
    for offset in range(1, min(size, len(hashes))):
        result = (result ^ (result >> np.uint64(29))) * FACTOR + hashes[offset : offset + count]
    return result
