"""Where in the training documents does a bias come from? Jobs, pronouns and groups, counted by source.

Of every sentence that names a job and a pronoun: which one? The finding is the same gap that `bias` measures of the
model, here of the text:

    corpus_pronoun_gap    share of "he" beside jobs held mostly by men less that beside jobs held mostly by women, size

The evidence holds the gap of each source, the mentions of both genders there, and for every job its counts and its
pointwise mutual information with "he" (log2 of how much oftener they stand together than chance; Bordia and Bowman 2019).
A sentence is the window: who is meant beyond it is not resolved.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from typing import Any

from groundup.audit.base import NO_EVIDENCE, Finding, Look, audits, unmeasured
from groundup.audit.benchmarks.verdict import folded
from groundup.audit.bias import jobs_of
from groundup.core.document import read_documents
from groundup.language.words import sentences

NAME = "corpus_pronoun_gap"
MEASURE = "share of 'he' beside men's jobs less that beside women's jobs in the documents, size"
HE, SHE = frozenset({"he", "him", "his", "himself"}), frozenset({"she", "her", "hers", "herself"})
WORD = re.compile(r"[a-z]+")
Z95 = 1.96


@audits.register("corpus")
def corpus(look: Look) -> list[Finding]:
    """The finding `corpus_pronoun_gap`."""
    folder = look.inputs.get("clean")
    if folder is None or not (folder / "documents").is_dir():
        return [unmeasured(NAME, MEASURE, "it needs the run's cleaned documents")]
    men, women, origin = jobs_of(look)
    together: Counter[tuple[str, str, str]] = Counter()  # source, job, pronoun
    mentions: Counter[tuple[str, str]] = Counter()  # source, pronoun
    for document in read_documents(folder / "documents"):
        text = document.text.lower()
        for start, end in sentences(text):
            said = set(WORD.findall(text[start:end]))
            sides = [side for side, forms in (("he", HE), ("she", SHE)) if said & forms]
            mentions.update((document.source, side) for side in sides)
            if len(sides) == 1:  # a sentence with both tells nothing of whose job it is
                together.update((document.source, job, sides[0]) for job in (*men, *women) if job in said)
    whole = gap_of(together, men, women)
    if whole is None:
        return [unmeasured(NAME, MEASURE, "no sentence names both a job and a pronoun, on both sides")]
    gap, error, n = whole
    value, low, high = folded(gap, gap - Z95 * error, gap + Z95 * error, 0.0)
    verdict = f": {NO_EVIDENCE}" if low == 0 else ""
    return [
        Finding(
            name=NAME,
            measure=MEASURE,
            value=value,
            low=low,
            high=high,
            n=n,
            protocol=f"sentences with one pronoun and a job, {origin}",
            summary=f"In the documents 'he' stands {gap:+.3f} oftener beside men's jobs than beside women's "
            f"({n} sentences){verdict}.",
            advice="[clean] steps with 'counterfactual', or look at the source that carries the gap.",
            evidence=[*by_source(together, mentions, men, women), *by_job(together, mentions)],
        )
    ]


def gap_of(
    together: Counter[tuple[str, str, str]], men: list[str], women: list[str], source: str | None = None
) -> tuple[float, float, int] | None:
    """(gap, its standard error, sentences), of one source or all; None where a side has no sentence."""
    shares, variance, total = [], 0.0, 0
    for jobs in (men, women):
        he, she = (
            sum(n for (s, job, side), n in together.items() if side == want and job in jobs and source in (None, s))
            for want in ("he", "she")
        )
        n = he + she
        if not n:
            return None
        share = (he + 1) / (n + 2)  # Agresti and Coull 1998: an interval that holds for few sentences too
        shares.append(he / n)
        variance += share * (1 - share) / (n + 2)
        total += n
    return shares[0] - shares[1], math.sqrt(variance), total


def by_source(
    together: Counter[tuple[str, str, str]], mentions: Counter[tuple[str, str]], men: list[str], women: list[str]
) -> list[dict[str, Any]]:
    """One row a source: mentions, and the gap where it can be measured."""
    rows = []
    for source in sorted({source for source, _ in mentions}):
        found = gap_of(together, men, women, source)
        row: dict[str, Any] = {"source": source, "he": mentions[source, "he"], "she": mentions[source, "she"]}
        rows.append(row | ({} if found is None else {"gap": round(found[0], 4), "sentences": found[2]}))
    return rows


def by_job(together: Counter[tuple[str, str, str]], mentions: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    """One row a job, the one nearest to "he" first: counts and pointwise mutual information with "he"."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (_, job, side), n in together.items():
        counts[job][side] += n
    he = sum(n for (_, side), n in mentions.items() if side == "he")
    share = he / max(1, sum(mentions.values()))
    rows = []
    for job, sides in counts.items():
        there = sides["he"] / (sides["he"] + sides["she"])
        bits = round(math.log2(there / share), 3) if there and share else None
        rows.append({"job": job, "he": sides["he"], "she": sides["she"], "pmi_he_bits": bits})
    return sorted(rows, key=lambda row: -row["he"] / (row["he"] + row["she"]))
