"""How often words, pairs and triples of words occur: the language model behind the corrector, small enough to ship.

Words are kept exactly. Pairs and triples are kept as quantised logarithms of their counts in two hashed tables, each
read at two places of which the smaller counts (a count-min sketch: Cormode and Muthukrishnan 2005), so that a pair
never seen is taken for a seen one in a few percent of cases only. Probabilities back off as "stupid backoff" does
(Brants et al. 2007): triple, else .4 x pair, else .16 x word.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

PAIR_BITS = 21
TRIPLE_BITS = 21
BACKOFF = math.log(0.4)
STEP = 0.25  # one unit of a stored byte, in natural logarithms: counts are right within 13 %
START, END = "<s>", "</s>"


class Counts:
    """Counts of words (exact), pairs and triples (hashed)."""

    def __init__(self, words: dict[str, int], pairs: bytes, triples: bytes, upper: frozenset[str]) -> None:
        """upper: words nearly always written with a capital (Monday)."""
        self.words = words
        self.upper = upper
        self._pairs = pairs
        self._triples = triples
        self._pair_mask = len(pairs) - 1
        self._triple_mask = len(triples) - 1
        self.total = max(1, sum(words.values()))
        self._floor = math.log(0.5 / self.total)
        self._seen_pairs: dict[str, float] = {}  # a cache: the same pairs are asked for again and again
        self._by_letters: dict[str, tuple[list[str], np.ndarray]] = {}  # first letter -> words, their letters as bits
        self._log_total = math.log(self.total)

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]], *, fewest: int = 3, pair: int = 2, triple: int = 2) -> Counts:
        """Count tokenised sentences (as written). fewest, pair, triple: rarer ones are dropped."""
        words: Counter[str] = Counter()
        capital: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        triples: Counter[tuple[str, str, str]] = Counter()
        for number, raw in enumerate(sentences, start=1):
            low = [word.lower().replace("\u2019", "'") for word in raw]
            words.update(low)
            capital.update(word.lower() for word in raw[1:] if word[:1].isupper())
            padded = [START, *low, END]
            pairs.update(pairwise(padded))
            triples.update(zip(padded, padded[1:], padded[2:], strict=False))
            if number % 100_000 == 0:  # singletons of so many sentences are mostly noise; memory stays bounded
                triples = Counter({key: n for key, n in triples.items() if n > 1})
        kept = {word: n for word, n in words.items() if n >= fewest and any(c.isalpha() for c in word)}
        kept |= {word: n for word, n in words.items() if len(word) == 1}
        upper = frozenset(word for word, n in kept.items() if n > 4 and len(word) > 2 and capital[word] > 0.9 * n)
        return cls(
            kept,
            _sketch(((" ".join(key), n) for key, n in pairs.items() if n >= pair), PAIR_BITS),
            _sketch(((" ".join(key), n) for key, n in triples.items() if n >= triple), TRIPLE_BITS),
            upper,
        )

    def knows(self, word: str) -> bool:
        """Whether the word (lower case) was seen often enough to be one."""
        return word in self.words

    def frequency(self, word: str) -> int:
        """How often the word was seen."""
        return self.words.get(word, 0)

    def alike(self, word: str) -> list[str]:
        """Words with the same first letter, nearly the same length and nearly the same letters: where to look further."""
        first = word[:1]
        if first not in self._by_letters:
            names = [one for one, n in self.words.items() if one[:1] == first and n > 5 and one.isascii()]
            self._by_letters[first] = (names, np.array([_letters(one) for one in names], dtype=np.uint32))
        names, bits_N = self._by_letters[first]
        if not names:
            return []
        near_N = np.flatnonzero(np.bitwise_count(bits_N ^ np.uint32(_letters(word))) <= 3)
        return [names[place] for place in near_N if abs(len(names[place]) - len(word)) <= 2][:400]

    def pair(self, first: str, second: str) -> float:
        """The logarithm of the count of a pair; 0 for one never kept."""
        key = f"{first} {second}"
        value = self._seen_pairs.get(key)
        if value is None:
            if len(self._seen_pairs) > 200_000:
                self._seen_pairs.clear()
            value = self._seen_pairs[key] = _read(self._pairs, self._pair_mask, key.encode())
        return value

    def log_probability(self, first: str, second: str, third: str) -> float:
        """log p(third | first second), backed off."""
        pair = self.pair(first, second)
        if pair > 0:
            triple = _read(self._triples, self._triple_mask, f"{first} {second} {third}".encode())
            if triple > 0:
                return min(0.0, triple - pair)
        second_third = self.pair(second, third)
        if second_third > 0:
            return BACKOFF + min(0.0, second_third - math.log(self.words.get(second, 1) or 1))
        seen = self.words.get(third, 0)
        return 2 * BACKOFF + (math.log(seen) - self._log_total if seen else self._floor)

    def tables(self) -> dict[str, np.ndarray]:
        """Everything as arrays, for a safetensors file."""
        names = sorted(self.words)
        text = "\n".join(names).encode()
        return {
            "words": np.frombuffer(text, dtype=np.uint8),
            "counts": np.array([self.words[name] for name in names], dtype=np.int32),
            "upper": np.frombuffer("\n".join(sorted(self.upper)).encode() or b"\n", dtype=np.uint8),
            "pairs": np.frombuffer(self._pairs, dtype=np.uint8),
            "triples": np.frombuffer(self._triples, dtype=np.uint8),
        }

    @classmethod
    def from_tables(cls, tables: dict[str, np.ndarray]) -> Counts:
        """What `tables` gave."""
        names = tables["words"].tobytes().decode().split("\n")
        upper = frozenset(tables["upper"].tobytes().decode().split("\n"))
        words = dict(zip(names, tables["counts"].tolist(), strict=True))
        return cls(words, tables["pairs"].tobytes(), tables["triples"].tobytes(), upper)


def _letters(word: str) -> int:
    """The letters of a word as a set of bits."""
    bits = 0
    for letter in word:
        bits |= 1 << (ord(letter) % 26)
    return bits


def _places(key: bytes, mask: int) -> tuple[int, int]:
    return zlib.crc32(key) & mask, zlib.crc32(key, 0x9E3779B9) & mask


def _sketch(items: Iterable[tuple[str, int]], bits: int) -> bytes:
    table = bytearray(1 << bits)
    mask = (1 << bits) - 1
    for key, count in items:
        value = min(255, 1 + round(math.log(count) / STEP))
        for place in _places(key.encode(), mask):
            table[place] = max(table[place], value)
    return bytes(table)


def _read(table: bytes, mask: int, key: bytes) -> float:
    value = table[zlib.crc32(key) & mask]
    if value:
        value = min(value, table[zlib.crc32(key, 0x9E3779B9) & mask])
    return (value - 1) * STEP + 1e-3 if value else 0.0
