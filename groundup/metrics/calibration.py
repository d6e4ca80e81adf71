"""Does a model know how sure it may be? And: does one of k attempts succeed?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from groundup.metrics.classification import same_length


def calibration_error(confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10) -> float:
    """Expected calibration error (Naeini 2015, Guo 2017): sum over bins of share * |accuracy - mean confidence|.

    Equal-width bins over [0, 1], closed on the right: (0, 0.1], (0.1, 0.2] ... as Guo et al.; 0 falls in the first.
    """
    same_length(confidences, right)
    confidence, correct = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    if confidence.min() < 0 or confidence.max() > 1:
        raise ValueError("confidences lie between 0 and 1")
    bin_of = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_of, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def brier(probabilities: Sequence[Sequence[float]] | Sequence[float], gold: Sequence[int]) -> float:
    """Brier score (1950). Probabilities of class 1: mean of (p - gold)^2, 0 to 1. Rows of class probabilities: mean
    over items of the summed squares against the one-hot gold class, 0 to 2.
    """
    same_length(probabilities, gold)
    p, classes = np.asarray(probabilities, dtype=float), np.asarray(gold, dtype=int)
    if p.ndim == 1:
        return float(((p - classes) ** 2).mean())
    return float(((p - np.eye(p.shape[1])[classes]) ** 2).sum(axis=1).mean())


def pass_at_k(num_samples: int, num_right: int, k: int) -> float:
    """The chance that one of k samples is right, unbiased from n of which c were (Chen 2021): 1 - C(n-c, k) / C(n, k)."""
    if not 0 <= num_right <= num_samples or not 1 <= k <= num_samples:
        raise ValueError(f"pass@{k} of {num_right} right among {num_samples} samples makes no sense")
    return 1.0 - math.comb(num_samples - num_right, k) / math.comb(num_samples, k)
