"""Likelihood, calibration, ranking, spans, intervals and paired tests."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

import groundup.metrics
from groundup.metrics.calibration import brier, calibration_error, pass_at_k
from groundup.metrics.intervals import bootstrap, wilson
from groundup.metrics.likelihood import bits_per_byte, perplexity
from groundup.metrics.paired import mcnemar, paired_bootstrap, paired_test, permutation
from groundup.metrics.ranking import average_precision, ndcg, recall_at, reciprocal_rank
from groundup.metrics.spans import bio_spans, span_f1, token_label_f1


def test_every_name_of_the_room_loads():
    for name in dir(groundup.metrics):
        assert callable(getattr(groundup.metrics, name))


def test_a_uniform_model_has_the_perplexity_of_its_vocabulary():
    assert perplexity(10 * math.log(1 / 50), 10) == pytest.approx(50)
    assert perplexity(-1e6, 10) == math.inf


def test_a_uniform_model_over_bytes_needs_eight_bits():
    assert bits_per_byte(100 * math.log(1 / 256), 100) == pytest.approx(8)
    with pytest.raises(ValueError, match="at least one byte"):
        bits_per_byte(-1.0, 0)


def test_calibration_error_of_known_cases():
    assert calibration_error([1.0, 1.0], [True, True]) == 0
    assert calibration_error([0.9] * 10, [True] * 9 + [False]) == pytest.approx(0)
    assert calibration_error([0.95, 0.95, 0.0], [False, False, False]) == pytest.approx(2 * 0.95 / 3)


def test_brier_equals_scikit_learn():
    p, gold = [0.1, 0.8, 0.4], [0, 1, 1]
    assert brier(p, gold) == pytest.approx(reference.brier_score_loss(gold, p))
    assert brier([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], gold) == pytest.approx(2 * brier(p, gold) - 2 * (0.04 - 0.04))


@given(st.integers(1, 12), st.data())
def test_pass_at_k_is_the_share_of_draws_with_a_right_one(n, data):
    from itertools import combinations

    right, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    draws = list(combinations([1] * right + [0] * (n - right), k)) if n <= 8 else None
    expected = sum(map(any, draws)) / len(draws) if draws else 1 - math.comb(n - right, k) / math.comb(n, k)
    assert pass_at_k(n, right, k) == pytest.approx(expected)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=12), st.integers(1, 12))
def test_ndcg_equals_scikit_learn(gains, k):
    ranked = list(range(len(gains)))
    ours = ndcg(ranked, dict(enumerate(gains)), k)
    theirs = reference.ndcg_score([gains], [[-place for place in ranked]], k=k)
    assert ours == pytest.approx(theirs)


def test_ranking_measures_of_a_known_list():
    ranked, relevant = ["x", "a", "y", "b"], {"a": 1, "b": 1, "c": 1}
    assert reciprocal_rank(ranked, relevant) == 0.5
    assert recall_at(ranked, relevant, 2) == pytest.approx(1 / 3)
    assert average_precision(ranked, relevant) == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert reciprocal_rank(ranked, {"z": 1}) == ndcg(ranked, {}, 3) == 0


def test_spans_count_only_when_border_and_label_agree():
    gold = [[(0, 2, "PER"), (5, 6, "LOC")], []]
    predicted = [[(0, 2, "PER"), (5, 7, "LOC")], [[1, 2, "PER"]]]
    score = span_f1(gold, predicted)
    assert (score.precision, score.recall, score.f1) == pytest.approx((1 / 3, 1 / 2, 2 / 5))


def test_bio_labels_become_spans():
    labels = ["B-PER", "I-PER", "B-PER", "O", "I-LOC", "I-PER"]
    assert bio_spans(labels) == [(0, 2, "PER"), (2, 3, "PER"), (4, 5, "LOC"), (5, 6, "PER")]


def test_token_labels_leave_the_outside_out():
    assert token_label_f1([["O", "B", "O"]], [["O", "B", "B"]]).f1 == pytest.approx(2 / 3)


def test_wilson_of_a_published_case():
    # Newcombe 1998, table I: 81 of 263.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 10)[0] == 0 and wilson(10, 10)[1] == 1


def test_bootstrap_is_the_same_for_the_same_seed_and_holds_the_mean():
    values = np.random.default_rng(0).normal(3, 1, 400).tolist()
    low, high = bootstrap(values, seed=7)
    assert (low, high) == bootstrap(values, seed=7) != bootstrap(values, seed=8)
    assert low < np.mean(values) < high
    assert high - low == pytest.approx(2 * 1.96 * np.std(values) / 20, rel=0.15)


def test_bootstrap_covers_the_truth_about_95_times_in_100():
    random = np.random.default_rng(1)
    hits = sum(low <= 0 <= high for low, high in (bootstrap(random.normal(0, 1, 50)) for _ in range(200)))
    assert 180 <= hits <= 199


def test_mcnemar_of_a_known_case():
    # 1 against 9 differing items: p = 2 * (1 + 10) / 2^10.
    a = [1] + [0] * 9 + [1] * 20
    b = [0] + [1] * 9 + [1] * 20
    assert mcnemar(a, b) == pytest.approx(22 / 1024)
    assert mcnemar(a, a) == 1.0
    assert 0 < mcnemar([0] * 3000, [1] * 1000 + [0] * 2000) < 1e-100


def test_permutation_is_exact_on_few_items_and_agrees_when_drawn():
    a, b = [0.0] * 10, [0.3, 0.1, 0.2, 0.4, -0.1, 0.5, 0.2, 0.3, -0.2, 0.1]
    signs = np.array(np.meshgrid(*[[-1, 1]] * 10)).reshape(10, -1).T
    exact = (np.abs(signs @ b) >= abs(sum(b)) - 1e-12).mean()
    assert permutation(a, b) == pytest.approx(exact)
    many = [value for value in b for _ in range(3)]
    assert permutation([0.0] * 30, many, seed=1) == pytest.approx(permutation([0.0] * 30, many, seed=2), abs=0.01)


def test_paired_test_sees_a_real_difference_and_doubts_none():
    random = np.random.default_rng(3)
    a = random.normal(0, 1, 200)
    better = paired_test(a, a + random.normal(0.3, 0.5, 200))
    alike = paired_test(a, a + random.normal(0, 0.5, 200))
    assert better.is_real and better.low > 0 and better.test == "sign permutation"
    assert not alike.is_real and alike.low < 0 < alike.high
    assert paired_bootstrap(a, a + 0.3) == 0 and paired_bootstrap(a, a) == 1
    assert paired_test([0, 1, 1], [1, 1, 1]).test == "McNemar, exact"
