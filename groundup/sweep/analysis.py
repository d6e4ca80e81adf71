"""What the trials say: means with intervals, differences to the base, which key mattered, how loss falls with size.

Intervals over seeds are Student's t (few seeds, so the normal's would be too narrow); with one seed there is none, and
the table says so. A difference to the base is of the same seeds, pair by pair. "Mattered" is the share of the variance
of the scores that one key alone explains: of a list eta squared, of a range the R squared of a parabola in its value
(or the value's logarithm); shares need not add up to one, since keys act together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.sweep.goal import Goal
from groundup.sweep.ledger import Trial
from groundup.sweep.space import Axis

# Student's t, two-sided 95 %, by degrees of freedom; beyond the table the normal's (any textbook).
T_95 = (math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145)
NORMAL_95 = 1.96
FEWEST = 4  # trials from which a share of variance is worth telling; taste


@dataclass(frozen=True)
class Row:
    """One configuration. low, high: 95 % of the mean over seeds, nan with one seed. difference: to the base, likewise."""

    name: str
    values: Mapping[str, Any]
    mean: float
    low: float
    high: float
    num_seeds: int
    seconds: float
    difference: float = math.nan
    difference_low: float = math.nan
    difference_high: float = math.nan

    @property
    def verdict(self) -> str:
        """Whether it differs from the base."""
        if math.isnan(self.difference):
            return ""
        if math.isnan(self.difference_low):
            return "one seed: no telling"
        return "no evidence of a difference" if self.difference_low <= 0 <= self.difference_high else "differs"


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """(mean, low, high); nan for the ends of a single value."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, math.nan, math.nan
    times = T_95[len(values) - 1] if len(values) <= len(T_95) else NORMAL_95
    half = times * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def summarize(trials: Sequence[Trial], goal: Goal, *, against_base: bool) -> list[Row]:
    """One row a configuration, the best first; against_base: with differences to the group without any change."""
    groups: dict[int, list[Trial]] = {}
    for trial in trials:
        if trial.state == "done" and trial.score is not None:
            groups.setdefault(trial.group, []).append(trial)
    base = next((group for group in groups.values() if not group[0].values), []) if against_base else []
    base_by_seed = {trial.seed: float(trial.score or 0) for trial in base}
    rows = []
    for group in groups.values():
        mean, low, high = interval([float(trial.score or 0) for trial in group])
        shared = [float(t.score or 0) - base_by_seed[t.seed] for t in group if t.seed in base_by_seed]
        difference = interval(shared) if shared and group is not base else (math.nan,) * 3
        seconds = sum(trial.seconds for trial in group)
        rows.append(Row(group[0].name, group[0].values, mean, low, high, len(group), seconds, *difference))
    return sorted(rows, key=lambda row: row.mean if goal.lower else -row.mean)


@dataclass(frozen=True)
class Importance:
    """How much of the scores' variance one key alone explains, and the value of the best trial."""

    key: str
    share: float
    best: Any


def importance(trials: Sequence[Trial], axes: Sequence[Axis], goal: Goal) -> list[Importance]:
    """The keys, the most telling first; [] when too few trials are done or all scores are equal."""
    done = [trial for trial in trials if trial.state == "done" and trial.score is not None]
    scores = np.array([float(trial.score or 0) for trial in done])
    if len(done) < FEWEST or float(scores.var()) == 0:
        return []
    best = done[int(scores.argmin() if goal.lower else scores.argmax())]
    found = []
    for axis in axes:
        given = [trial.values.get(axis.key) for trial in done]
        share = _parabola(given, scores, axis.log) if axis.is_range else _eta(given, scores)
        found.append(Importance(axis.key, share, best.values.get(axis.key)))
    return sorted(found, key=lambda one: -one.share)


def _eta(given: Sequence[Any], scores: np.ndarray) -> float:
    groups: dict[str, list[float]] = {}
    for value, score in zip(given, scores, strict=True):
        groups.setdefault(repr(value), []).append(float(score))
    between = sum(len(group) * (float(np.mean(group)) - float(scores.mean())) ** 2 for group in groups.values())
    return float(between / ((scores - scores.mean()) ** 2).sum())


def _parabola(given: Sequence[Any], scores: np.ndarray, log: bool) -> float:
    x = np.array([float(value) for value in given])
    x = np.log(x) if log else x
    degree = min(2, len(set(x.tolist())) - 1)
    if degree < 1:
        return 0.0
    x = (x - x.mean()) / x.std()
    left = scores - np.polyval(np.polyfit(x, scores, degree), x)
    return float(max(0.0, 1 - (left**2).sum() / ((scores - scores.mean()) ** 2).sum()))


@dataclass(frozen=True)
class PowerLaw:
    """score = factor * compute ** -exponent, fitted in logarithms (Kaplan et al. 2020). error: of the fit, relative."""

    factor: float
    exponent: float
    error: float

    def at(self, compute: float) -> float:
        """The score to expect."""
        return float(self.factor * compute**-self.exponent)


def power_law(compute: Sequence[float], scores: Sequence[float]) -> PowerLaw | None:
    """The line through the logarithms; None for fewer than 3 points, equal sizes, or scores that are not positive."""
    if len(compute) < 3 or min(scores) <= 0 or min(compute) <= 0 or len(set(compute)) < 2:
        return None
    x, y = np.log(np.array(compute)), np.log(np.array(scores))
    slope, start = np.polyfit(x, y, 1)
    error = float(np.sqrt(np.mean((y - (slope * x + start)) ** 2)))
    return PowerLaw(float(np.exp(start)), float(-slope), error)
