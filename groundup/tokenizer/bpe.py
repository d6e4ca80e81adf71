"""Byte-level byte-pair encoding from scratch: the idea of Sennrich et al. 2016 on bytes (GPT-2), to be read.

Training: cut the text into pre-tokens, write each as its bytes, then again and again join the pair of neighbours that
stands most often, until the vocabulary is full. Encoding: cut, write as bytes, and do the joins in the order they were
learned. `fast.py` does the same in Rust; the tests hold that merges, ties and ids are equal.

A symbol is an id. Ids: special tokens, then the 256 bytes in the order of their printable characters, then one a merge.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from groundup.core.errors import DataError
from groundup.tokenizer.kinds import MIN_FREQUENCY
from groundup.tokenizer.pattern import byte_characters, pre_tokens
from groundup.tokenizer.special import SPECIAL

Pair = tuple[int, int]


@dataclass(frozen=True)
class Merges:
    """A trained BPE. tokens: id -> bytes (b"" for special tokens). ranks: pair -> when it was learned."""

    tokens: list[bytes]
    ranks: dict[Pair, int]
    joined: dict[Pair, int]  # pair -> id of the symbol it becomes

    def encode(self, text: str) -> list[int]:
        """The ids of a text."""
        return [symbol for word in pre_tokens(text) for symbol in self._encode_word(word.encode("utf-8"))]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids; broken UTF-8 becomes U+FFFD."""
        return b"".join(self.tokens[symbol] for symbol in ids).decode("utf-8", "replace")

    def _encode_word(self, word: bytes) -> list[int]:
        symbols = [self.tokens.index(bytes([byte]), len(SPECIAL)) for byte in word]
        while True:
            known = [pair for pair in itertools.pairwise(symbols) if pair in self.ranks]
            if not known:
                return symbols
            pair = min(known, key=self.ranks.__getitem__)  # the join learned first
            symbols = join(symbols, pair, self.joined[pair])


def join(symbols: list[int], pair: Pair, new: int) -> list[int]:
    """The symbols with every occurrence of the pair replaced by `new`, from left to right."""
    result: list[int] = []
    place = 0
    while place < len(symbols):
        if tuple(symbols[place : place + 2]) == pair:
            result.append(new)
            place += 2
        else:
            result.append(symbols[place])
            place += 1
    return result


def train(texts: Iterable[str], vocabulary_size: int) -> Merges:
    """Learn merges until there are `vocabulary_size` symbols. Raises DataError when no pair stands twice any more.

    Pairs that stand equally often are taken in the order of their ids, the smaller first.
    """
    alphabet = sorted(range(256), key=lambda byte: byte_characters()[byte])
    tokens = [b""] * len(SPECIAL) + [bytes([byte]) for byte in alphabet]
    symbol_of = {token: symbol for symbol, token in enumerate(tokens) if token}
    counted = Counter(word for text in texts for word in pre_tokens(text))
    words = [[symbol_of[bytes([byte])] for byte in word.encode("utf-8")] for word in counted]
    times = list(counted.values())

    pairs: Counter[Pair] = Counter()  # how often each pair of neighbours stands in the corpus
    where: defaultdict[Pair, set[int]] = defaultdict(set)  # in which words
    for number, word in enumerate(words):
        for pair in itertools.pairwise(word):
            pairs[pair] += times[number]
            where[pair].add(number)

    ranks: dict[Pair, int] = {}
    joined: dict[Pair, int] = {}
    while len(tokens) < vocabulary_size:
        best = max(pairs, key=lambda pair: (pairs[pair], -pair[0], -pair[1]), default=None)
        if best is None or pairs[best] < MIN_FREQUENCY:
            raise DataError(
                f"The corpus is too small for a vocabulary of {vocabulary_size}: it fills only {len(tokens)}.",
                repair=f"Give more text, or take vocabulary_size = {len(tokens)} or less.",
            )
        token = tokens[best[0]] + tokens[best[1]]
        # Two ways of joining can spell the same bytes ("a"+"bc", "ab"+"c"): they become one symbol.
        new = symbol_of.setdefault(token, len(tokens))
        if new == len(tokens):
            tokens.append(token)
        ranks[best] = len(ranks)
        joined[best] = new
        for number in where.pop(best):
            before = words[number]
            words[number] = after = join(before, best, new)
            for pair in itertools.pairwise(before):
                pairs[pair] -= times[number]
            for pair in itertools.pairwise(after):
                pairs[pair] += times[number]
                where[pair].add(number)
        del pairs[best]
    return Merges(tokens, ranks, joined)
