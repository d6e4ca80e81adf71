"""When may a model's confidence be believed, and from which confidence on should it answer at all?

    temperature        one number that makes probabilities honest (Guo et al. 2017, arXiv:1706.04599, section 4.2)
    equal_mass_error   expected calibration error over bins of equal size (Nguyen and O'Connor 2015)
    risk_coverage      answering only the surest share: how many of the answers are wrong (El-Yaniv and Wiener 2010)
    answer_from        the confidence from which on at most a given share of answers is wrong, with a guarantee

N items, C classes, K thresholds tried.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundup.metrics.intervals import binomial_tail

Numbers = Sequence[float] | np.ndarray
Truths = Sequence[bool] | np.ndarray
BINS = 15  # Guo et al. 2017
LOG_RANGE = 4.0  # temperatures from e^-4 to e^4
GOLDEN = (5**0.5 - 1) / 2
THRESHOLDS = 10  # K: more would let more be answered, and cost a stricter test each; taste
FAILURE = 0.05  # how often the guarantee of `answer_from` may break


def temperature(logits_NC: np.ndarray, gold_N: np.ndarray) -> float:
    """T such that softmax(logits / T) has the least negative log-likelihood on these items.

    The loss is convex in 1 / T, so that a golden-section search on log T finds it. T = 1 is kept where nothing is
    better: temperature scaling never raises the loss on the items it is fitted on, and never changes an answer.
    """
    logits_NC, gold_N = np.asarray(logits_NC, dtype=float), np.asarray(gold_N, dtype=int)
    if len(logits_NC) != len(gold_N) or not len(gold_N):
        raise ValueError(f"{len(logits_NC)} rows of logits came with {len(gold_N)} gold classes")

    def loss(log_t: float) -> float:
        scaled_NC = logits_NC / np.exp(log_t)
        top_N = scaled_NC.max(axis=1)
        logsum_N = top_N + np.log(np.exp(scaled_NC - top_N[:, None]).sum(axis=1))
        return float((logsum_N - scaled_NC[np.arange(len(gold_N)), gold_N]).mean())

    low, high = -LOG_RANGE, LOG_RANGE
    while high - low > 1e-4:
        first, second = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, second) if loss(first) < loss(second) else (first, high)
    best = (low + high) / 2
    return float(np.exp(best)) if loss(best) < loss(0.0) else 1.0


def equal_mass_error(confidences: Numbers, right: Truths, *, bins: int = BINS) -> float:
    """Mean over bins of equal size of |accuracy - mean confidence|: no bin is decided by a handful of items."""
    sure, correct = _both(confidences, right)
    gaps = (correct - sure)[np.argsort(sure, kind="stable")]
    parts = np.array_split(gaps, min(bins, len(gaps)))
    return float(sum(abs(part.sum()) for part in parts) / len(gaps))


def risk_coverage(confidences: Numbers, right: Truths) -> tuple[np.ndarray, np.ndarray]:
    """(coverage_N, risk_N): of the n surest items, n / N and the share that is wrong, for n = 1 to N."""
    sure, correct = _both(confidences, right)
    wrong_N = 1.0 - correct[np.argsort(-sure, kind="stable")]
    counts_N = np.arange(1, len(wrong_N) + 1)
    return counts_N / len(wrong_N), np.cumsum(wrong_N) / counts_N


def area_under_risk(confidences: Numbers, right: Truths) -> float:
    """The mean risk over all coverages (AURC): what a confidence is worth; the error rate where it says nothing."""
    return float(risk_coverage(confidences, right)[1].mean())


def answer_from(confidences: Numbers, right: Truths, *, risk: float, failure: float = FAILURE) -> float | None:
    """The least confidence from which on at most a share `risk` of the answers is wrong; None: never answer.

    It holds for new items like these with probability 1 - failure, whatever the model and the data (Learn then Test,
    Angelopoulos et al. 2021, arXiv:2110.01052, a conformal method): every second item only says where confidences
    lie, which gives K thresholds; the others test each, by the exact binomial tail at failure / K.
    """
    sure, correct = _both(confidences, right)
    candidates = np.unique(np.quantile(sure[::2], np.arange(THRESHOLDS) / THRESHOLDS, method="lower"))
    tested, wrong = sure[1::2], 1.0 - correct[1::2]
    for threshold in candidates:  # the smallest, which answers most, first
        answered = tested >= threshold
        n, errors = int(answered.sum()), int(wrong[answered].sum())
        # How likely would so few errors be if the true risk were `risk`? P(X <= errors) = P(n - X >= n - errors)
        if n and binomial_tail(n - errors, n, 1 - risk) <= failure / THRESHOLDS:
            return float(threshold)
    return None


def _both(confidences: Numbers, right: Truths) -> tuple[np.ndarray, np.ndarray]:
    """As two arrays of floats of one length, at least one item each."""
    sure, correct = np.asarray(confidences, dtype=float), np.asarray(right, dtype=float)
    if len(sure) != len(correct) or not len(sure):
        raise ValueError(f"{len(sure)} confidences came with {len(correct)} answers")
    return sure, correct
