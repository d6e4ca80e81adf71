"""Exposure: how much likelier a model finds a planted secret than random ones of the same form, in bits.

    exposure = log2 |R| - log2 rank            (Carlini et al. 2019, arXiv:1802.08232, definition 3)

where R are all secrets of the form and rank is the secret's place among them by likelihood. A secret the model never
saw has a random rank, hence on average 1 / ln 2 = 1.44 bits; one that reaches log2 |R| can be read out.

R is too large to score, so the rank is estimated among n random secrets: log2(n + 1) - log2(rank among them), which
is exact in expectation but ends at log2(n + 1). A secret likelier than all of them is placed by the lower tail of a
skew-normal distribution fitted to their negative log-likelihoods (the same paper, section 6.2), held between
log2(n + 1) and log2 |R|.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

# The mean exposure of a secret that was never seen: E[-log2 U] for uniform U.
NEVER_SEEN_BITS = 1 / math.log(2)
# A skew-normal cannot be more skewed than this (its limit is 0.9953).
MOST_SKEW = 0.99
GRID = 4001  # points of the tail's integral; a test holds it to the normal's tail
WIDTH = 12.0  # standard deviations integrated below the point, at most; the rest is below 1e-17 of the area


def exposure_bits(secret: float, candidates: Sequence[float], space_bits: float) -> float:
    """Exposure of one secret from negative log-likelihoods: its own, and those of random candidates.

    space_bits: log2 |R|. Ties count half, so that a model that tells nothing apart exposes about 1 bit, not all.
    """
    if not candidates:
        raise ValueError("exposure needs at least one candidate")
    values = np.asarray(candidates, dtype=np.float64)
    likelier = float((values < secret).sum())
    equal = float((values == secret).sum())
    by_rank = math.log2(len(values) + 1) - math.log2(1 + likelier + equal / 2)
    # Candidates that are all but equal have no distribution to fit.
    if likelier or equal or values.std() <= 1e-9 * (1 + abs(values.mean())):
        return min(by_rank, space_bits)
    return min(max(by_rank, -log_tail(secret, values) / math.log(2)), space_bits)


def log_tail(point: float, values: np.ndarray) -> float:
    """Natural log of P(X <= point) for a skew-normal X fitted to `values` by their first three moments."""
    location, scale, shape = fit_skew_normal(values)
    z = (point - location) / scale
    # Far out the density falls by e within 1 / (|z| (1 + shape^2)): the grid narrows to where the area is.
    fall = max(1.0, -z) * (1 + max(0.0, shape) ** 2)
    grid = np.linspace(z - min(WIDTH, 40 / fall), z, GRID)
    logs = math.log(2) - 0.5 * grid**2 - 0.5 * math.log(2 * math.pi) + _log_normal_cdf(shape * grid)
    top = float(logs.max())
    area = float(np.trapezoid(np.exp(logs - top), grid))
    return min(0.0, top + math.log(area))


def fit_skew_normal(values: np.ndarray) -> tuple[float, float, float]:
    """(location, scale, shape) of the skew-normal with these values' mean, variance and (bounded) skewness."""
    mean, deviation = float(values.mean()), float(values.std())
    skew = float((((values - mean) / deviation) ** 3).mean())
    skew = max(-MOST_SKEW, min(MOST_SKEW, skew))
    power = abs(skew) ** (2 / 3)
    delta = math.copysign(math.sqrt(math.pi / 2 * power / (power + ((4 - math.pi) / 2) ** (2 / 3))), skew)
    scale = deviation / math.sqrt(1 - 2 * delta**2 / math.pi)
    return mean - scale * delta * math.sqrt(2 / math.pi), scale, delta / math.sqrt(1 - delta**2)


def _log_normal_cdf(points: np.ndarray) -> np.ndarray:
    """log of the standard normal distribution function, also far below zero (first terms of Mills' ratio)."""
    low = np.minimum(points, -30.0)
    far = -0.5 * low**2 - np.log(-low) - 0.5 * math.log(2 * math.pi) + np.log1p(-1 / low**2)
    near = np.log([0.5 * math.erfc(-float(point) / math.sqrt(2)) for point in np.maximum(points, -30.0)])
    return np.where(points < -30.0, far, near)
