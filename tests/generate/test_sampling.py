"""Each rule against its definition on numbers small enough to check by hand; the draw against the softmax."""

from __future__ import annotations

import pytest
import torch

from groundup.core.errors import UsageError
from groundup.generate.sampling import (
    Draws,
    Sampler,
    Sampling,
    draw,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    penalise_frequency,
    penalise_presence,
    penalise_repetition,
)


def logits(*probabilities: float) -> torch.Tensor:
    return torch.tensor([probabilities]).log()


def kept(logits_BV: torch.Tensor) -> list[int]:
    return torch.isfinite(logits_BV[0]).nonzero()[:, 0].tolist()


@pytest.mark.parametrize("k, expected", [(0, [0, 1, 2, 3]), (1, [1]), (2, [1, 3]), (3, [0, 1, 3]), (99, [0, 1, 2, 3])])
def test_top_k_keeps_the_best(k, expected):
    assert kept(keep_top_k(logits(0.2, 0.4, 0.1, 0.3), k)) == expected


@pytest.mark.parametrize(
    "p, expected", [(0.39, [1]), (0.41, [1, 3]), (0.71, [0, 1, 3]), (1.0, [0, 1, 2, 3]), (1e-9, [1])]
)
def test_top_p_keeps_the_smallest_set_that_reaches_it(p, expected):
    assert kept(keep_top_p(logits(0.2, 0.4, 0.1, 0.3), p)) == expected


@pytest.mark.parametrize("share, expected", [(0.0, [0, 1, 2, 3]), (0.26, [0, 1, 3]), (0.6, [1, 3]), (1.0, [1])])
def test_min_p_is_a_share_of_the_best(share, expected):
    assert kept(keep_min_p(logits(0.2, 0.4, 0.1, 0.3), share)) == expected


def test_penalties_follow_their_definitions():
    logits_BV = torch.tensor([[2.0, -2.0, 1.0]])
    seen_BV = torch.tensor([[True, True, False]])
    counts_BV = torch.tensor([[3.0, 0.0, 1.0]])
    assert penalise_repetition(logits_BV, seen_BV, 2.0).tolist() == [[1.0, -4.0, 1.0]]
    assert penalise_presence(logits_BV, counts_BV, 0.5).tolist() == [[1.5, -2.0, 0.5]]
    assert penalise_frequency(logits_BV, counts_BV, 0.5).tolist() == [[0.5, -2.0, 0.5]]


def test_draws_follow_the_softmax():
    """20,000 seeded draws; each share within four standard errors of its probability, never one of probability 0."""
    probabilities = torch.tensor([0.5, 0.0, 0.3, 0.15, 0.05])
    draws = Draws(seed=7)
    uniform_B = torch.tensor([draws.next() for _ in range(20_000)], dtype=torch.float64)
    drawn_B = draw(probabilities.log().expand(20_000, 5), uniform_B)
    shares = torch.bincount(drawn_B, minlength=5) / 20_000
    errors = 4 * (probabilities * (1 - probabilities) / 20_000).sqrt()
    assert shares[1] == 0
    assert ((shares - probabilities).abs() <= errors).all()


@pytest.mark.parametrize("uniform, token", [(0.0, 1), (0.49, 1), (0.51, 2), (1 - 1e-16, 2)])
def test_a_draw_is_the_inverse_of_the_cumulative_probability(uniform, token):
    logits_BV = torch.tensor([[-torch.inf, 0.0, 0.0, -torch.inf]])
    assert draw(logits_BV, torch.tensor([uniform], dtype=torch.float64)).tolist() == [token]


def test_rows_of_one_batch_keep_their_own_settings():
    rows = [Sampling(), Sampling(temperature=1.0, top_k=2, seed=1), Sampling(temperature=5.0, min_p=0.9, seed=2)]
    logits_BV = torch.randn(3, 50, generator=torch.Generator().manual_seed(0)) * 3
    sampler = Sampler(rows)
    together = sampler(logits_BV, [Draws(row.seed) for row in rows]).tolist()
    alone = [Sampler([row])(logits_BV[n : n + 1], [Draws(row.seed)]).item() for n, row in enumerate(rows)]
    assert together == alone
    assert together[0] == logits_BV[0].argmax()


def test_bias_and_constraints_decide_a_greedy_choice():
    logits_BV = torch.tensor([[3.0, 2.0, 1.0]])
    assert Sampler([Sampling(logit_bias={2: 5.0})])(logits_BV, [Draws(0)]).tolist() == [2]
    allowed_BV = torch.tensor([[False, True, True]])
    assert Sampler([Sampling()])(logits_BV, [Draws(0)], allowed_BV=allowed_BV).tolist() == [1]


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"top_p": 0}, {"min_p": 2}, {"n": 0}, {"stop": ("",)}, {"presence_penalty": 3}]
)
def test_settings_outside_their_rule_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Sampling(**wrong)
