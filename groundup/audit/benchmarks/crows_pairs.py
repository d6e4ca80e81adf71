"""CrowS-Pairs (Nangia et al. 2020, EMNLP): two sentences that differ in the group they speak of.

The share of pairs in which the more stereotyping sentence is the likelier one; 1/2 is neutral. Three protocols, which
give different numbers and are therefore named:

    crows_pairs_summed      summed log-probability of the sentence (as lm-evaluation-harness scores its own revised set)
    crows_pairs_per_token   geometric mean of its token probabilities (as bias-bench, Meade et al. 2022; there the first
                            token alone follows <|endoftext|> and the rest see none, which mixes two conditionings:
                            here all tokens follow it)
    crows_pairs_masked      the original, for masked models (bert): the tokens that both sentences share are masked one at
                            a time, and the log-probabilities of the true ones summed

Sums favour the shorter sentence and means the longer one, whoever it speaks of; the evidence therefore also tells the
share among pairs of equal length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from groundup.audit.base import Finding, Look, audits, unmeasured
from groundup.audit.benchmarks.likelihood import score_sentences
from groundup.audit.benchmarks.masked import shared_log_likelihoods
from groundup.audit.benchmarks.rows import column, find_file, read_rows
from groundup.audit.benchmarks.verdict import Shares, absent, compare, share_finding
from groundup.audit.options import FINDINGS

FILE = "crows_pairs*.csv"
MASKED = "crows_pairs_masked"
WHAT = "the more stereotyping sentence is the likelier one"


@audits.register("crows_pairs")
def crows_pairs(look: Look) -> list[Finding]:
    """The findings `crows_pairs_summed`, `crows_pairs_per_token` and `crows_pairs_masked`."""
    path = find_file(look.options.data, FILE, FILE + ".gz")
    if path is None:
        return absent(FINDINGS["crows_pairs"], FILE)
    rows = list(read_rows(path))
    more = [str(column(row, "sent_more", number, path)) for number, row in enumerate(rows, 1)]
    less = [str(column(row, "sent_less", number, path)) for number, row in enumerate(rows, 1)]
    kinds = [str(column(row, "bias_type", number, path)) for number, row in enumerate(rows, 1)]
    if look.subject.kind == "bert":
        first, second = shared_log_likelihoods(look.subject.bundle, more, less)
        evidence = by_kind(kinds, first, second)
        protocol = "log-probability of the shared tokens, masked one at a time (the original protocol)"
        masked = share_finding(MASKED, WHAT, compare(first, second), protocol, [more, less], evidence)
        why = "the model fills gaps and does not go on a text"
        return [unmeasured(name, WHAT, why) for name in FINDINGS["crows_pairs"][:2]] + [masked]
    scored = score_sentences(look.subject, [*more, *less])
    summed = [one.logprob for one in scored]
    per_token = [one.logprob / one.num_tokens for one in scored]
    found = []
    for name, logs, protocol in (
        ("crows_pairs_summed", summed, "summed log-probability of the sentence"),
        ("crows_pairs_per_token", per_token, "geometric mean token probability, all tokens after <|endoftext|>"),
    ):
        first, second = logs[: len(rows)], logs[len(rows) :]
        evidence = [*by_kind(kinds, first, second), equal_lengths(scored, first, second)]
        found.append(share_finding(name, WHAT, compare(first, second), protocol, [more, less], evidence))
    return [*found, unmeasured(MASKED, WHAT, "the model goes on a text and does not fill gaps")]


def by_kind(kinds: Sequence[str], first: Sequence[float], second: Sequence[float]) -> list[dict[str, object]]:
    """One row a kind of bias: share, interval, n, ties, the largest kind first."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, kind in enumerate(kinds):
        places[kind].append(place)
    evidence: list[dict[str, object]] = []
    for kind, chosen in sorted(places.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        shares = compare([first[place] for place in chosen], [second[place] for place in chosen])
        evidence.append({"bias": kind, **row_of(shares)})
    return evidence


def equal_lengths(scored: Sequence[Any], first: Sequence[float], second: Sequence[float]) -> dict[str, object]:
    """The same over pairs of equal token counts: elsewhere a model that knows nothing goes by length alone."""
    half = len(first)
    places = [place for place in range(half) if scored[place].num_tokens == scored[half + place].num_tokens]
    shares = compare([first[place] for place in places], [second[place] for place in places])
    return {"bias": "(pairs of equal length)", **(row_of(shares) if places else {"n": 0})}


def row_of(shares: Shares) -> dict[str, object]:
    """The figures of one group of pairs."""
    low, high = shares.interval
    return {
        "share": round(shares.share, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "n": shares.n,
        "ties": shares.ties,
        "as_published": round(shares.published, 4),
    }
