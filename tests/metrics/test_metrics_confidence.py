"""Calibration and abstention against simulators whose truth is known."""

import math

import numpy as np
import pytest
from scipy import stats

from groundup.metrics.confidence import answer_from, area_under_risk, equal_mass_error, risk_coverage, temperature
from groundup.metrics.intervals import binomial_tail


def simulated(n: int, seed: int, sharpness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of three classes whose softmax is the truth, shown `sharpness` times too sure, and the drawn classes."""
    random = np.random.default_rng(seed)
    logits_NC = random.normal(0, 3, (n, 3))
    true_NC = np.exp(logits_NC) / np.exp(logits_NC).sum(axis=1, keepdims=True)
    gold_N = (true_NC.cumsum(axis=1) < random.random(n)[:, None]).sum(axis=1)
    return sharpness * logits_NC, gold_N


def surest(logits_NC: np.ndarray, gold_N: np.ndarray, t: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    scaled = np.exp(logits_NC / t - (logits_NC / t).max(axis=1, keepdims=True))
    return (scaled / scaled.sum(axis=1, keepdims=True)).max(axis=1), logits_NC.argmax(axis=1) == gold_N


def test_an_honest_simulator_has_no_calibration_error():
    assert equal_mass_error(*surest(*simulated(20_000, 1))) < 0.01


def test_temperature_undoes_what_was_made_too_sure():
    logits_NC, gold_N = simulated(20_000, 2, sharpness=3.0)
    t = temperature(logits_NC, gold_N)
    assert t == pytest.approx(3.0, rel=0.03)
    before, after = equal_mass_error(*surest(logits_NC, gold_N)), equal_mass_error(*surest(logits_NC, gold_N, t))
    assert after < 0.01 < 0.08 < before


@pytest.mark.parametrize("seed", range(20))
def test_temperature_never_raises_the_held_out_loss(seed):
    (logits_NC, gold_N), (new_NC, new_gold_N) = (simulated(2000, one, sharpness=2.0) for one in (seed, seed + 100))

    def loss(scaled_NC: np.ndarray) -> float:
        return float((np.log(np.exp(scaled_NC).sum(axis=1)) - scaled_NC[np.arange(len(new_gold_N)), new_gold_N]).mean())

    assert loss(new_NC / temperature(logits_NC, gold_N)) <= loss(new_NC)


def test_risk_and_coverage_by_hand():
    coverage, risk = risk_coverage([0.9, 0.5, 0.7, 0.1], [True, False, False, True])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk.tolist() == [0.0, 0.5, pytest.approx(2 / 3), 0.5]
    assert area_under_risk([0.9, 0.1], [True, False]) == 0.25


def test_the_promised_risk_holds_in_twenty_seeds_of_twenty():
    held, answered = 0, []
    for seed in range(20):
        sure, right = surest(*simulated(4000, seed))
        threshold = answer_from(sure[:2000], right[:2000], risk=0.1)
        assert threshold is not None
        taken = sure[2000:] >= threshold
        realised = 1 - right[2000:][taken].mean()
        held += realised <= 0.1 + 2 * math.sqrt(0.1 * 0.9 / taken.sum())
        answered.append(taken.mean())
    assert held == 20 and np.mean(answered) > 0.2  # and it does answer


def test_where_no_confidence_is_good_enough_nothing_is_answered():
    random = np.random.default_rng(1)
    assert answer_from(random.random(500), random.random(500) < 0.5, risk=0.05) is None


@pytest.mark.parametrize("k, n, share", [(0, 10, 0.3), (3, 10, 0.3), (10, 10, 0.5), (11, 10, 0.5), (400, 1000, 0.25)])
def test_the_binomial_tail_is_exact(k, n, share):
    assert binomial_tail(k, n, share) == pytest.approx(stats.binom.sf(k - 1, n, share), rel=1e-9, abs=1e-300)
