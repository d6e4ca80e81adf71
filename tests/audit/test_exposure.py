from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.audit.exposure import NEVER_SEEN_BITS, exposure_bits, fit_skew_normal, log_tail
from groundup.core.randomness import numpy_random


def test_unseen_secrets_average_one_over_ln_two_bits() -> None:
    rng = numpy_random(1, "test exposure")
    bits = [exposure_bits(float(row[0]), row[1:].tolist(), 40.0) for row in rng.normal(size=(4000, 128))]
    assert abs(NEVER_SEEN_BITS - 1.4427) < 1e-4
    # The mean of 4,000 exponentials with mean 1.44 bits has a standard error of 0.023.
    assert np.mean(bits) == pytest.approx(NEVER_SEEN_BITS, abs=0.07)


@pytest.mark.parametrize("rank, bits", [(2, 9.0), (4, 8.0), (512, 1.0), (1024, 0.0)])
def test_exposure_by_rank_among_1023(rank: int, bits: float) -> None:
    candidates = [float(place) for place in range(1023)]
    assert exposure_bits(rank - 1.5, candidates, 30.0) == pytest.approx(bits)


def test_a_secret_beyond_all_candidates_is_placed_by_the_tail() -> None:
    values = numpy_random(2, "normal").normal(100, 5, size=4000)
    # 8 standard deviations below: the normal's tail there is 6.2e-16, 50.5 bits; the fit of the skew moves it a little.
    assert exposure_bits(60.0, values.tolist(), 60.0) == pytest.approx(50.5, abs=8)
    assert exposure_bits(60.0, values.tolist(), 20.0) == 20.0  # never more than the secret has


def test_a_model_that_tells_nothing_apart_exposes_one_bit() -> None:
    assert exposure_bits(7.0, [7.0] * 511, 30.0) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("z", [-1.0, -3.0, -6.0, -20.0])
def test_the_tail_of_unskewed_values_is_the_normals(z: float) -> None:
    half = numpy_random(3, "halves").normal(size=20000)
    values = np.concatenate([half, -half])  # exactly unskewed
    location, _, shape = fit_skew_normal(values)
    assert shape == pytest.approx(0, abs=0.05) and location == pytest.approx(0, abs=0.02)
    exact = math.log(0.5 * math.erfc(-z / math.sqrt(2)))
    assert log_tail(z * float(values.std()), values) == pytest.approx(exact, abs=0.01 * abs(exact) + 0.01)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=50), st.floats(-1e3, 1e3), st.floats(1, 60))
def test_exposure_is_always_a_number_within_its_bounds(values: list[float], secret: float, space: float) -> None:
    bits = exposure_bits(secret, values, space)
    assert 0 <= bits <= space + 1e-9
