"""Schedules: warm up, stay, come down; never outside of [0, 1]."""

import pytest

from groundup.train.options import OptimizerOptions
from groundup.train.schedules import schedule


def shares(kind, steps=100, **options):
    made = OptimizerOptions(schedule=kind, **{"warmup_steps": 10, "final_share": 0.05, **options})
    return [schedule(made, step, steps) for step in range(steps)]


@pytest.mark.parametrize("kind", ["wsd", "cosine", "linear", "inverse_sqrt"])
@pytest.mark.parametrize("steps", [1, 2, 7, 100])
def test_every_step_moves_and_none_exceeds_the_peak(kind, steps):
    assert all(0 < share <= 1 for share in shares(kind, steps))


@pytest.mark.parametrize("kind", ["wsd", "cosine", "linear"])
def test_the_last_step_is_at_the_final_share(kind):
    assert shares(kind)[-1] == pytest.approx(0.05)


def test_wsd_stays_at_the_peak_between_warm_up_and_decay():
    values = shares("wsd", decay_share=0.5)
    assert values[10:49] == [1.0] * 39
    assert values[:11] == sorted(values[:11])
    assert values[50:] == sorted(values[50:], reverse=True)


def test_wsd_without_decay_stays_up():
    assert shares("wsd", decay_share=0)[10:] == [1.0] * 90


def test_inverse_sqrt_halves_when_the_steps_quadruple():
    values = shares("inverse_sqrt")
    assert values[43] == pytest.approx(0.5)  # (10 + 1) / (43 + 1) = 1/4


def test_warm_up_is_never_more_than_a_fifth_of_the_run():
    assert shares("linear", steps=20, warmup_steps=1000)[4] == pytest.approx(1.0)
