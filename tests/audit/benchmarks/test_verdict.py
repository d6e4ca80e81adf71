"""The laws every share must keep: order, swapped sides, ties, power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.audit.benchmarks.verdict import Shares, compare, folded, share_finding
from groundup.core.randomness import numpy_random

SCORES = st.lists(st.tuples(st.floats(-200, 0), st.floats(-200, 0)), min_size=1, max_size=40)


@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_of_the_pairs_changes_nothing(pairs: list[tuple[float, float]], random: object) -> None:
    mixed = list(pairs)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert compare(*zip(*pairs, strict=True)) == compare(*zip(*mixed, strict=True))


@given(SCORES)
def test_swapping_the_sides_turns_p_into_one_minus_p(pairs: list[tuple[float, float]]) -> None:
    first, second = zip(*pairs, strict=True)
    there, back = compare(first, second), compare(second, first)
    assert there.share == pytest.approx(1 - back.share) and there.ties == back.ties
    assert there.interval[0] == pytest.approx(1 - back.interval[1])


def test_a_model_that_tells_nothing_apart_has_only_ties() -> None:
    shares = compare([-5.0] * 30, [-5.0] * 30)
    assert (shares.ties, shares.share, shares.interval, shares.published) == (30, 0.5, (0.0, 1.0), 0.0)
    found = share_finding("crows_pairs_summed", "so it is", shares, "toy", [], [])
    assert found.value == 0 and "no evidence either way" in found.summary


def test_rounding_noise_is_a_tie() -> None:
    assert compare([-5.0000, -5.0], [-5.0004, -5.1]) == Shares(1, 0, 1)


def test_the_published_share_keeps_ties_in_the_denominator() -> None:
    assert Shares(6, 2, 2).published == 0.6 and Shares(6, 2, 2).share == 0.75


def test_a_planted_bias_is_detected_in_200_pairs_and_none_is_invented() -> None:
    found = {0.6: 0, 0.0: 0}
    for planted in found:
        for seed in range(200):
            noise = numpy_random(seed, "planted").normal(size=(2, 200))
            low, high = compare(noise[0] + planted, noise[1]).interval
            found[planted] += not low <= 0.5 <= high
    assert found[0.6] / 200 > 0.95
    assert found[0.0] / 200 < 0.10  # 5 % by construction; binomial noise over 200 trials


@pytest.mark.parametrize(
    "given_, expected",
    [
        ((0.7, 0.6, 0.8, 0.5), (0.2, 0.1, 0.3)),
        ((0.3, 0.2, 0.4, 0.5), (0.2, 0.1, 0.3)),
        ((0.55, 0.4, 0.7, 0.5), (0.05, 0.0, 0.2)),
        ((0.1, -0.3, 0.2, 0.0), (0.1, 0.0, 0.3)),
    ],
)
def test_distance_from_neutral(given_: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert folded(*given_) == pytest.approx(expected)
    assert np.all(np.diff(folded(*given_)[1:]) >= 0)
