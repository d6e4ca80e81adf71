"""The mark is found where it is, not where it is not, and its bits depend on nothing but key and tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from groundup.core.errors import UsageError
from groundup.generate.sampling import Draws, Sampler, Sampling
from groundup.generate.watermark import Watermark

MARK = Watermark(b"a key of the test")
WORDS = 500
GOLDEN = [6, 9, 15, 17, 18, 19, 29]  # green of 32 tokens for the key "golden" after 5 and 17


def written(mark: Watermark | None, seed: int, *, length: int = 200, spread: float = 1.5) -> list[int]:
    """Tokens of a model without memory: logits of a normal distribution; entropy about 7 bits at a spread of 1.5."""
    logits_V = torch.randn(WORDS, generator=torch.Generator().manual_seed(1)) * spread
    draws, sampler = [Draws(seed)], Sampler([Sampling(temperature=1.0)])
    ids: list[int] = []
    while len(ids) < length:
        pushed_V = logits_V.clone()
        green_V = mark.green_mask(ids, WORDS) if mark else None
        if mark and green_V is not None:
            pushed_V[torch.from_numpy(green_V)] += mark.push
        ids.append(int(sampler(pushed_V[None], draws)[0]))
    return ids


def test_marked_texts_of_200_tokens_are_found_at_one_false_alarm_in_a_thousand() -> None:
    found = [MARK.detect(written(MARK, seed)).p < 1e-3 for seed in range(20)]
    assert np.mean(found) >= 0.95


def test_ten_changed_tokens_of_a_hundred_do_not_hide_it() -> None:
    random, found = np.random.default_rng(1), []
    for seed in range(20):
        ids = np.array(written(MARK, seed))
        ids[random.choice(200, 20, replace=False)] = random.integers(0, WORDS, 20)
        found.append(MARK.detect(ids.tolist()).p < 1e-3)
    assert np.mean(found) >= 0.8


def test_texts_without_it_are_taken_for_marked_as_often_as_p_says() -> None:
    random = np.random.default_rng(2)
    alarms = sum(MARK.detect(random.integers(0, WORDS, 60).tolist()).p <= 0.01 for _ in range(2000))
    assert alarms <= stats.binom.ppf(0.995, 2000, 0.01)


def test_another_key_finds_nothing() -> None:
    assert Watermark(b"another key").detect(written(MARK, 3)).p > 1e-3


def test_the_bits_are_these_for_ever() -> None:
    green = Watermark(b"golden").green_mask([5, 17], 32)
    assert green is not None
    assert np.flatnonzero(green).tolist() == GOLDEN
    by_detection = [Watermark(b"golden").detect([5, 17, token]).green == 1 for token in range(32)]
    assert np.flatnonzero(by_detection).tolist() == GOLDEN


def test_the_share_of_green_is_what_it_should_be_and_repetitions_count_once() -> None:
    sizes = [MARK.green_mask([1, seed], 2000).mean() for seed in range(100)]
    assert np.mean(sizes) == pytest.approx(0.25, abs=0.005)
    assert MARK.detect([1, 2, 3] * 20).scored == 3
    assert MARK.detect([1, 2]).p == 1.0 and MARK.green_mask([1], 10) is None


def test_the_engine_marks_one_request_and_leaves_the_other_as_it_is(engine, prompts) -> None:
    plain = Sampling(max_tokens=40, temperature=1.0, seed=4, ignore_end=True)
    marked = replace(plain, watermark=MARK)
    one, other = engine.generate([prompts[0], prompts[0]], [marked, plain])
    assert other.ids == engine.generate([prompts[0]], plain)[0].ids
    before = prompts[0][-MARK.width :]
    assert MARK.detect(before + one.ids).share > 0.5 > 0.45 > MARK.detect(before + other.ids).share
    assert np.exp(one.logprobs).max() <= 1  # of the model, not of the pushed logits


def test_a_mark_without_a_key_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a key"):
        Watermark(b"")
