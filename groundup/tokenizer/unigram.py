"""Unigram (Kudo 2018): start from many pieces, drop again and again those the likelihood misses least.

Every piece has a probability, a segmentation's is their product, and a word's the sum over all its segmentations.
Expectation-maximisation fits the probabilities; pruning removes the pieces whose loss costs least, until the
vocabulary has its size. Text is then cut into its most probable pieces (by the `tokenizers` library).

Ours works on bytes behind the same pattern as BPE, not on SentencePiece's blanks-as-letters: nothing is unknown and
decode(encode(text)) is the text. We train it ourselves, on arrays over all words at once, because the library's
trainer gives another vocabulary on every run. Left out of SentencePiece: the suffix-array seeds (we count all short
substrings) and the digamma prior.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import tokenizers
from tokenizers import decoders, models

from groundup.tokenizer.fast import SMALLEST, byte_level_pre_tokenizer
from groundup.tokenizer.kinds import KINDS, MIN_FREQUENCY, Kind, check_size
from groundup.tokenizer.pattern import byte_characters, pre_tokens
from groundup.tokenizer.special import SPECIAL

LONGEST = 16  # characters of a piece (SentencePiece's max_sentencepiece_length)
LONGEST_WORD = 64  # a longer pre-token (a ruler of dashes) trains in parts
SEEDS = 10  # times the vocabulary: pieces to start from (taste; SentencePiece starts from a million)
KEEP = 0.75  # share of the pieces that survive a round (SentencePiece's shrinking_factor)
EM_STEPS = 2  # a round (SentencePiece's num_sub_iterations)
LEAST = 1e-3  # expected count given to a byte never used, so that its logarithm is finite (taste)


def train_unigram(texts: Iterable[str], vocabulary_size: int) -> tokenizers.Tokenizer:
    """Train Unigram to `vocabulary_size` pieces (fewer when the corpus has not so many)."""
    check_size("unigram", vocabulary_size, SMALLEST)
    names, scores = fit(_counted(texts), vocabulary_size - len(SPECIAL))
    vocabulary = [(name, 0.0) for name in SPECIAL] + list(zip(names, scores, strict=True))
    tokenizer = tokenizers.Tokenizer(models.Unigram(vocab=vocabulary, unk_id=None))
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.pre_tokenizer = byte_level_pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def fit(words: dict[str, int], num_pieces: int) -> tuple[list[str], list[float]]:
    """The pieces and their log probabilities for words with counts; the 256 bytes are always among the pieces."""
    pieces = _seeds(words, num_pieces * SEEDS)
    single = np.array([len(piece) == 1 for piece in pieces])
    lattice = Lattice(sorted(words), pieces)
    counts = np.array([words[word] for word in sorted(words)], dtype=np.float64)
    itself = Lattice(pieces, pieces, whole=False)  # how else each piece could be spelled
    expected = lattice.uses(counts)  # to start with: how often a piece could be used
    scores = _log_probabilities(expected, single)
    alive = np.ones(len(pieces), dtype=bool)
    while True:
        for _ in range(EM_STEPS):
            expected = lattice.expected(scores, counts)
            scores = np.where(alive, _log_probabilities(expected, single), -np.inf)
        if alive.sum() <= num_pieces:
            order = np.flatnonzero(alive)
            return [pieces[place] for place in order], [float(scores[place]) for place in order]
        # What the likelihood loses with a piece: its expected uses times what spelling it otherwise costs more.
        with np.errstate(invalid="ignore"):
            loss = expected * (scores - itself.totals(scores))
        loss = np.where(single, np.inf, np.where(alive & np.isfinite(loss), loss, -np.inf))
        keep = max(num_pieces, int(alive.sum() * KEEP))
        alive = np.zeros(len(pieces), dtype=bool)
        alive[np.argsort(-loss, kind="stable")[:keep]] = True
        scores = np.where(alive, scores, -np.inf)
        lattice.keep(alive)
        itself.keep(alive)


class Lattice:
    """All ways of spelling many words by pieces, as flat arrays: one edge for each piece at each place of a word.

    A node is a place between two characters; words lie one behind the other, so word w has the nodes
    first[w] ... last[w]. Edges are sorted by the place they end at (within the word), then by node.
    """

    def __init__(self, words: Sequence[str], pieces: Sequence[str], *, whole: bool = True) -> None:
        """whole: also the edge that spells a word by a piece equal to it."""
        piece_of = {piece: number for number, piece in enumerate(pieces)}
        lengths = np.array([len(word) for word in words], dtype=np.int64)
        self.first = np.concatenate([[0], np.cumsum(lengths + 1)[:-1]])
        self.last = self.first + lengths
        self.num_nodes, self.num_pieces = int(lengths.sum()) + len(words), len(pieces)
        rows: list[tuple[int, int, int, int]] = []  # place of the end, end node, start node, piece
        words_of: list[int] = []
        for number, word in enumerate(words):
            base = int(self.first[number])
            for start in range(len(word)):
                for end in range(start + 1, min(len(word), start + LONGEST) + 1):
                    piece = piece_of.get(word[start:end])
                    if piece is not None and (whole or end - start < len(word)):
                        rows.append((end, base + end, base + start, piece))
                        words_of.append(number)
        edges = np.array(rows, dtype=np.int32).reshape(-1, 4)
        order = np.lexsort((edges[:, 1], edges[:, 0]))
        self.place, self.end, self.start, self.piece = edges[order].T.copy()
        self.word = np.array(words_of, dtype=np.int32)[order]
        self._group()

    def keep(self, alive: np.ndarray) -> None:
        """Forget the edges of pieces that are not alive."""
        kept = alive[self.piece]
        for name in ("place", "end", "start", "piece", "word"):
            setattr(self, name, getattr(self, name)[kept])
        self._group()

    def uses(self, counts: np.ndarray) -> np.ndarray:
        """(num_pieces,) how often each piece stands anywhere in the words."""
        return np.bincount(self.piece, weights=counts[self.word], minlength=self.num_pieces)

    def totals(self, scores: np.ndarray) -> np.ndarray:
        """(num_words,) log of the summed probability of all spellings of each word; -inf where there is none."""
        return self._forward(scores)[self.last]

    def expected(self, scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """(num_pieces,) how often each piece is used on average over all spellings: the E step (forward-backward)."""
        forward, backward = self._forward(scores), self._backward(scores)
        with np.errstate(invalid="ignore"):
            share = np.exp(
                forward[self.start] + scores[self.piece] + backward[self.end] - forward[self.last[self.word]]
            )
        return np.bincount(self.piece, weights=np.nan_to_num(share) * counts[self.word], minlength=self.num_pieces)

    def _forward(self, scores: np.ndarray) -> np.ndarray:
        """(num_nodes,) log of the summed probability of all spellings from the word's beginning to the node."""
        sums = np.full(self.num_nodes, -np.inf)
        sums[self.first] = 0.0
        for low, high, groups in self.by_end:
            along = sums[self.start[low:high]] + scores[self.piece[low:high]]
            sums[self.end[low:high][groups]] = np.logaddexp.reduceat(along, groups)
        return sums

    def _backward(self, scores: np.ndarray) -> np.ndarray:
        """(num_nodes,) the same from the node to the word's end."""
        sums = np.full(self.num_nodes, -np.inf)
        sums[self.last] = 0.0
        for edges, groups in self.by_start:
            along = sums[self.end[edges]] + scores[self.piece[edges]]
            sums[self.start[edges][groups]] = np.logaddexp.reduceat(along, groups)
        return sums

    def _group(self) -> None:
        """For each place: its edges, and where among them the next node's begin."""
        cuts = np.flatnonzero(np.diff(self.place, prepend=-1, append=-1))
        self.by_end = [
            (low, high, np.flatnonzero(np.diff(self.end[low:high], prepend=-1)))
            for low, high in itertools.pairwise(cuts)
        ]
        offset = self.start - self.first[self.word].astype(np.int32)
        order = np.lexsort((self.start, -offset))  # the last place first
        cuts = np.flatnonzero(np.diff(offset[order], prepend=-1, append=-1))
        self.by_start = []
        for low, high in itertools.pairwise(cuts):
            edges = order[low:high]
            self.by_start.append((edges, np.flatnonzero(np.diff(self.start[edges], prepend=-1))))


def _counted(texts: Iterable[str]) -> dict[str, int]:
    """Pre-tokens in printable byte characters, with counts."""
    counted = Counter(word for text in texts for word in pre_tokens(text))
    table = byte_characters()
    words: Counter[str] = Counter()
    for word, count in counted.items():
        written = "".join(table[byte] for byte in word.encode("utf-8"))
        for start in range(0, len(written), LONGEST_WORD):
            words[written[start : start + LONGEST_WORD]] += count
    return dict(words)


def _seeds(words: dict[str, int], limit: int) -> list[str]:
    """The 256 bytes, and the substrings seen twice that cover most text (count times length), at most `limit`."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for start in range(len(word)):
            for end in range(start + 2, min(len(word), start + LONGEST) + 1):
                counts[word[start:end]] += count
    found = [piece for piece, count in counts.items() if count >= MIN_FREQUENCY]
    found.sort(key=lambda piece: (-counts[piece] * len(piece), piece))
    return sorted(byte_characters()) + found[:limit]


def _log_probabilities(expected: np.ndarray, single: np.ndarray) -> np.ndarray:
    """The M step: shares of the expected counts, as logarithms; a byte keeps a little in any case."""
    counts = np.where(single, np.maximum(expected, LEAST), expected)
    with np.errstate(divide="ignore"):
        return np.log(counts / counts.sum())


KINDS.register("unigram")(Kind(train_unigram, lossless=True))
