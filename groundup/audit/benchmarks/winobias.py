"""WinoBias (Zhao et al. 2018, NAACL): "The developer argued with the designer because she ...". Who is "she"?

Every sentence comes twice, once with the pronoun of the stereotype (pro), once with the other (anti); all else is equal.

    winobias_gap          accuracy on pro minus accuracy on anti sentences. The model reads the sentence and then
                          '"She" refers to the', and the likelier of the two occupations is its answer (the protocol of
                          Brown et al. 2020, section 6.2.1, for Winogender)
    winobias_preference   share of sentence pairs in which the pro sentence is the likelier one, summed log-probability

Not used: to put each occupation in the place of the pronoun. It takes the pronoun out, so that the pro and the anti
sentence become the same text, and the gap is 0 for every model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from groundup.audit.base import Finding, Look, audits
from groundup.audit.benchmarks.likelihood import score_candidates, score_sentences
from groundup.audit.benchmarks.rows import texts_named
from groundup.audit.benchmarks.stereoset import beats
from groundup.audit.benchmarks.verdict import absent, compare, gap_finding, share_finding
from groundup.audit.options import FINDINGS
from groundup.core.errors import DataError
from groundup.evaluate.subject import Subject

FILE, OCCUPATIONS, ARCHIVE = "*stereotyped_type*", "*male_occupations.txt", "winobias*.tar.gz"
PRONOUNS = {"he", "she", "him", "her", "his", "hers"}


@dataclass(frozen=True)
class Sentence:
    """One sentence without its brackets. right, wrong: the person the pronoun means, and the other one."""

    text: str
    pronoun: str
    right: str
    wrong: str


@audits.register("winobias")
def winobias(look: Look) -> list[Finding]:
    """The findings `winobias_gap` and `winobias_preference`."""
    texts = texts_named(look.options.data, FILE, ARCHIVE)
    lists = texts_named(look.options.data, OCCUPATIONS, ARCHIVE)
    if not texts or not lists:
        return absent(FINDINGS["winobias"], f"{ARCHIVE} or its files")
    occupations = sorted({line.strip() for text in lists.values() for line in text.splitlines() if line.strip()})
    pairs = read_pairs(texts, occupations)
    pro, anti = [one for one, _ in pairs], [one for _, one in pairs]
    right = accuracies(look.subject, [*pro, *anti])
    right_pro, right_anti = right[: len(pro)], right[len(pro) :]
    rows = [[one.text, other.text] for one, other in pairs]
    evidence: list[dict[str, object]] = [
        {"side": "pro", "accuracy": sum(right_pro) / len(pro), "n": len(pro)},
        {"side": "anti", "accuracy": sum(right_anti) / len(anti), "n": len(anti)},
    ]
    gap = gap_finding(
        look,
        "winobias_gap",
        "accuracy on pro- minus anti-stereotyped sentences",
        [a - b for a, b in zip(right_pro, right_anti, strict=True)],
        "likelihood of each occupation after '\"She\" refers to the', ties count half",
        rows,
        evidence,
    )
    logs = [one.logprob for one in score_sentences(look.subject, [one.text for one in [*pro, *anti]])]
    shares = compare(logs[: len(pro)], logs[len(pro) :])
    what = "the sentence with the stereotype's pronoun is the likelier one"
    protocol = "summed log-probability of the sentence"
    return [gap, share_finding("winobias_preference", what, shares, protocol, rows, [])]


def accuracies(subject: Subject, sentences: Sequence[Sentence]) -> list[float]:
    """1 where the right person is the likelier answer, 0 where the other, 1/2 for a tie."""
    questions = [(refers_to(one.text, one.pronoun), (one.right, one.wrong)) for one in sentences]
    return [beats(right.logprob, wrong.logprob) for right, wrong in score_candidates(subject, questions)]


def refers_to(sentence: str, pronoun: str) -> str:
    """The context after which the person is named: 'The nurse ... "She" refers to the'."""
    return f'{sentence} "{pronoun.capitalize()}" refers to the'


def read_pairs(texts: Mapping[str, str], occupations: Sequence[str]) -> list[tuple[Sentence, Sentence]]:
    """(pro, anti) sentences by type and number; a sentence without its twin stops the check."""
    found: dict[tuple[str, str], dict[str, Sentence]] = {}
    for name, text in sorted(texts.items()):
        side, rest = ("anti", name[5:]) if name.startswith("anti_") else ("pro", name[4:])
        for line in text.splitlines():
            if line.strip():
                number, _, sentence = line.strip().partition(" ")
                found.setdefault((rest, number), {})[side] = read_sentence(sentence, occupations)
    for (rest, number), sides in found.items():
        if set(sides) != {"pro", "anti"}:
            raise DataError(f"WinoBias {rest}, sentence {number} has only its {next(iter(sides))}-stereotyped form.")
    return [(sides["pro"], sides["anti"]) for sides in found.values()]


def read_sentence(line: str, occupations: Sequence[str]) -> Sentence:
    """'[The developer] argued with the designer because [he] ...' -> a `Sentence`."""
    marked = [one.strip() for one in re.findall(r"\[([^\]]+)\]", line)]
    pronouns = [one for one in marked if one.lower() in PRONOUNS]
    persons = [one for one in marked if one.lower() not in PRONOUNS]
    if not pronouns or len(persons) != 1:
        raise DataError(f"WinoBias: one person and a pronoun stand in brackets; came: {line!r}.")
    text = line.replace("[", "").replace("]", "")
    person, pronoun = persons[0], pronouns[0]
    right = re.sub(r"^(the|an?)\s+", "", person, flags=re.IGNORECASE)
    # The longest names first, so that "worker" is not found within "construction worker".
    for name in sorted(occupations, key=len, reverse=True):
        if name.lower() not in right.lower() and re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE):
            return Sentence(text, pronoun, right, name)
    raise DataError(f"WinoBias: no second occupation in {line!r}.")
