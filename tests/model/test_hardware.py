"""What a training costs on named hardware is FLOPs over peak; what does not fit is said."""

import pytest

from groundup.core.errors import UsageError
from groundup.model.hardware import DEVICES, SHARE, cost
from groundup.model.options import ModelOptions
from groundup.model.plan import count
from groundup.model.presets import resolve


def counts_of(preset, **how):
    return count(resolve(ModelOptions(preset=preset), 50_304), keeps_scores=False, **how)


def test_hours_are_flops_over_what_the_device_reaches():
    counts = counts_of("gpt2", batch_size=32)
    one, eight = (cost(counts, 10e9, "h100", number=number) for number in (1, 8))
    assert one.hours == pytest.approx(counts.flops_per_token * 10e9 / (989e12 * SHARE) / 3600)
    assert eight.hours == pytest.approx(one.hours / 8)
    assert eight.dollars == pytest.approx(one.dollars)  # the same hours of devices
    # llm.c trained this shape on 10 billion tokens in 45 minutes of 8 H100; a plan is good within a third.
    assert eight.hours * 60 == pytest.approx(45, rel=1 / 3)
    assert one.fits and cost(counts, 10e9, "h100", price=1.0).dollars == pytest.approx(one.hours)


def test_the_largest_does_not_fit_one_but_many():
    counts = counts_of("gpt3-175b")
    assert not cost(counts, 300e9, "h100").fits
    assert cost(counts, 300e9, "h200", number=1024).fits


def test_an_unknown_device_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="h100"):
        cost(counts_of("gpt2"), 1e9, "h10")
    assert all(device.flops > 1e13 and device.memory > 1e10 for device in DEVICES.values())
