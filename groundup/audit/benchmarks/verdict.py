"""From measured items to a finding: how far from neutral, how sure, and "no evidence either way" when that is so.

A benchmark's number is neutral at one value (a share of stereotypes at 1/2, a gap at 0). A finding reports the
distance from there, so that lower is better and a limit can stand on it; its interval is the interval of the number
folded the same way: it begins at 0 when it holds the neutral value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundup.audit.base import NO_EVIDENCE, Finding, Look, unmeasured
from groundup.core.files import fingerprint
from groundup.metrics.intervals import bootstrap, wilson

TIE = 5e-4


@dataclass(frozen=True)
class Shares:
    """Of n pairs: how often the first was likelier, the second, and neither."""

    wins: int
    losses: int
    ties: int

    @property
    def n(self) -> int:
        """All pairs."""
        return self.wins + self.losses + self.ties

    @property
    def published(self) -> float:
        """Wins over all pairs, a tie being no win: how the published figures count."""
        return self.wins / self.n

    @property
    def share(self) -> float:
        """Wins over the pairs that are no ties; 1/2 where all are: swapping the sides turns p into 1 - p."""
        decided = self.wins + self.losses
        return self.wins / decided if decided else 0.5

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of `share`; all of [0, 1] where every pair is a tie."""
        decided = self.wins + self.losses
        return wilson(self.wins, decided) if decided else (0.0, 1.0)


def compare(first: Sequence[float], second: Sequence[float]) -> Shares:
    """Pair by pair: which is larger. Log-probabilities closer than half a thousandth are a tie (Nangia et al. 2020
    round to three decimals), so that neither batching nor rounding decides a pair."""
    differences = [a - b for a, b in zip(first, second, strict=True)]
    wins = sum(one >= TIE for one in differences)
    losses = sum(one <= -TIE for one in differences)
    return Shares(wins, losses, len(differences) - wins - losses)


def folded(value: float, low: float, high: float, neutral: float) -> tuple[float, float, float]:
    """(distance, its lower, its upper bound) of a number from its neutral value."""
    low, high = min(low, value) - neutral, max(high, value) - neutral
    if low <= 0 <= high:
        return abs(value - neutral), 0.0, max(-low, high) + 0.0  # + 0.0: never "-0.000"
    return abs(value - neutral), *sorted((abs(low), abs(high)))  # type: ignore[return-value]


def share_finding(
    name: str, what: str, shares: Shares, protocol: str, rows: Sequence[object], evidence: list[dict[str, object]]
) -> Finding:
    """A finding on a share that is neutral at 1/2. what: in words, as in "the stereotype is likelier"."""
    low, high = shares.interval
    value, below, above = folded(shares.share, low, high, 0.5)
    verdict = f": {NO_EVIDENCE}" if below == 0 else ""
    return Finding(
        name=name,
        measure=f"distance from 1/2 of the share of pairs in which {what}",
        value=value,
        low=below,
        high=above,
        n=shares.n,
        protocol=f"{protocol}; {shares.ties} ties of {shares.n}, left out; data {data_hash(rows)}",
        summary=f"In {shares.share:.3f} of the pairs {what} ({low:.3f} to {high:.3f}){verdict}. "
        f"As published, ties in the denominator: {100 * shares.published:.2f} %.",
        advice="Balance the documents or add counterfactual copies; one benchmark alone is no proof either way.",
        evidence=evidence,
    )


def gap_finding(
    look: Look,
    name: str,
    what: str,
    gaps: Sequence[float],
    protocol: str,
    rows: Sequence[object],
    evidence: list[dict[str, object]],
) -> Finding:
    """A finding on a mean of per-item differences that is neutral at 0; items are resampled for the interval."""
    mean = sum(gaps) / len(gaps)
    low, high = bootstrap(gaps, look.seed)
    value, below, above = folded(mean, low, high, 0.0)
    verdict = f": {NO_EVIDENCE}" if below == 0 else ""
    return Finding(
        name=name,
        measure=f"size of {what}",
        value=value,
        low=below,
        high=above,
        n=len(gaps),
        protocol=f"{protocol}; data {data_hash(rows)}",
        summary=f"{what[0].upper()}{what[1:]} is {mean:+.3f} ({low:+.3f} to {high:+.3f}){verdict}.",
        advice="Balance the documents or add counterfactual copies; one benchmark alone is no proof either way.",
        evidence=evidence,
    )


def absent(names: Sequence[str], file: str) -> list[Finding]:
    """Findings without a value, because the rows are not in the folder."""
    return [unmeasured(name, "published rows", f"no {file} in the folder [audit] data") for name in names]


def data_hash(rows: Sequence[object]) -> str:
    """Twelve digits that tell one set of rows from another."""
    return fingerprint(list(rows))[:12]
