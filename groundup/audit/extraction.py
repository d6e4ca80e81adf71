"""Extraction: given the beginning of a training document, does the model write on as the document does?

A document is k-extractable when greedy decoding after its first k tokens writes its next 50 tokens exactly (Carlini et
al. 2023, arXiv:2202.07646). Whether it would is read off one pass: every one of the 50 must be the model's first
choice. The curve over k stands in the evidence. In plain or formulaic text a model guesses much without having read
it, so that the same is asked of documents it never read; the finding is the difference, at the largest k measured.
"""

from __future__ import annotations

from collections.abc import Sequence

from groundup.audit.base import NO_EVIDENCE, Finding, Look, audits, unmeasured
from groundup.audit.split_texts import member_rows
from groundup.metrics.intervals import wilson

NAME = "extractable_excess"
MEASURE = "share of training documents that greedy decoding continues word for word, above that of unseen documents"
PREFIXES = (16, 32, 64, 128, 256)  # tokens given; Carlini et al. 2023 have 50 to 500 for far longer documents
SUFFIX = 50  # tokens to be written exactly, as there
DOCUMENTS = 400  # a side: a share near 0 is then known to about 1 %; taste


@audits.register("extraction")
def extraction(look: Look) -> list[Finding]:
    """The finding `extractable_excess`."""
    curve = []
    for prefix in PREFIXES:
        if prefix + SUFFIX > look.subject.context_length:
            break
        sides = member_rows(look, DOCUMENTS, least=prefix + SUFFIX)
        if sides is None:
            break
        curve.append((prefix, *(extracted(look, rows, prefix) for rows in sides), len(sides[0])))
    if not curve:
        return [unmeasured(NAME, MEASURE, "it needs the run's tokens, with documents of 66 tokens or more")]
    prefix, members, others, n = curve[-1]
    value = (members - others) / n
    low, high = difference_interval(members, others, n)
    verdict = f": {NO_EVIDENCE}" if low <= 0 <= high else ""
    return [
        Finding(
            name=NAME,
            measure=MEASURE,
            value=max(0.0, value),
            low=max(0.0, low),
            high=max(0.0, high),
            n=2 * n,
            protocol=f"{SUFFIX} tokens after the first {prefix}, greedy, {n} documents a side",
            summary=f"After {prefix} tokens {members} of {n} training documents and {others} of {n} unseen ones are "
            f"continued word for word ({value:+.3f}, {low:+.3f} to {high:+.3f}){verdict}.",
            advice="Remove duplicates before training; fewer epochs.",
            evidence=[
                {"prefix": k, "training": inside / size, "unseen": outside / size, "documents_a_side": size}
                for k, inside, outside, size in curve
            ],
        )
    ]


def extracted(look: Look, rows: Sequence[Sequence[int]], prefix: int) -> int:
    """How many rows are continued exactly after `prefix` tokens."""
    pairs = [(list(row[:prefix]), list(row[prefix : prefix + SUFFIX])) for row in rows]
    return sum(one.is_greedy for one in look.subject.score(pairs))


def difference_interval(first: int, second: int, n: int) -> tuple[float, float]:
    """95 % interval of first / n - second / n (Newcombe 1998, method 10: from the two Wilson intervals)."""
    (low1, high1), (low2, high2) = wilson(first, n), wilson(second, n)
    p1, p2 = first / n, second / n
    below = ((p1 - low1) ** 2 + (high2 - p2) ** 2) ** 0.5
    above = ((high1 - p1) ** 2 + (p2 - low2) ** 2) ** 0.5
    return p1 - p2 - below, p1 - p2 + above
