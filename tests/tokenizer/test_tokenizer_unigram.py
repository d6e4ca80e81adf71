"""The Unigram trainer's lattice equals summing over all spellings one by one."""

import math
from itertools import pairwise, product

import numpy as np
import pytest

from groundup.tokenizer.unigram import Lattice, fit


def spellings(word, pieces):
    """All ways to cut a word into pieces, as lists of piece numbers."""
    for cuts in product([False, True], repeat=len(word) - 1):
        borders = [0, *(place + 1 for place, cut in enumerate(cuts) if cut), len(word)]
        parts = [word[a:b] for a, b in pairwise(borders)]
        if all(part in pieces for part in parts):
            yield [pieces.index(part) for part in parts]


WORDS, PIECES = ["abab", "ba", "aab"], ["a", "b", "ab", "aba", "ba"]


def test_totals_and_expected_uses_equal_enumeration():
    scores = np.log(np.array([0.3, 0.2, 0.25, 0.15, 0.1]))
    counts = np.array([3.0, 2.0, 1.0])
    lattice = Lattice(WORDS, PIECES)
    expected, totals = np.zeros(5), []
    for word, count in zip(WORDS, counts, strict=True):
        ways = list(spellings(word, PIECES))
        weights = [math.exp(sum(scores[piece] for piece in way)) for way in ways]
        totals.append(math.log(sum(weights)))
        for way, weight in zip(ways, weights, strict=True):
            for piece in way:
                expected[piece] += count * weight / sum(weights)
    np.testing.assert_allclose(lattice.totals(scores), totals)
    np.testing.assert_allclose(lattice.expected(scores, counts), expected)


def test_without_the_whole_a_piece_is_spelled_by_others_only():
    scores = np.log(np.full(5, 0.2))
    totals = Lattice(PIECES, PIECES, whole=False).totals(scores)
    assert totals[0] == totals[1] == -np.inf
    assert totals[2] == pytest.approx(math.log(0.04))
    assert totals[3] == pytest.approx(math.log(0.2**3 + 0.2**2 + 0.2**2))  # a b a, ab a, a ba


def test_a_step_of_em_never_makes_the_corpus_less_likely():
    scores, counts = np.log(np.full(5, 0.2)), np.array([3.0, 2.0, 1.0])
    lattice = Lattice(WORDS, PIECES)
    likelihood = -np.inf
    for _ in range(5):
        now = float(lattice.totals(scores) @ counts)
        assert now >= likelihood - 1e-9
        likelihood = now
        expected = lattice.expected(scores, counts)
        scores = np.log(np.maximum(expected, 1e-12) / expected.sum())


def test_pieces_that_stand_for_much_survive():
    words = {"walking": 50, "talking": 40, "walk": 30, "talk": 30, "king": 20, "x": 1}
    pieces, scores = fit(words, 256 + 4)
    kept = {piece for piece in pieces if len(piece) > 1}
    assert len(pieces) == 260 and kept & {"walk", "walking"} and kept & {"talk", "talking"}
    assert math.isclose(sum(map(math.exp, scores)), 1, rel_tol=1e-6)
