"""Who is meant must not be seen: names, places, dates, ages over 89, numbers and addresses are taken out of a note.

Recall first: what may be a name is taken for one, so that some harmless words go too. Eighteen classes of identifiers are
named by the US rule (HIPAA, 45 CFR 164.514); here: name, place, date, age, phone, email, id, address, link, card, iban, ip,
mac, ssn, key, organisation. Rules only; what they leak is measured per document by `evaluate`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from groundup.apps.health.names import ALSO_WORDS, FIRST, LAST
from groundup.apps.writing import corrector
from groundup.language import personal

MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
CAPITAL = r"[A-Z][\w'\u2019-]*"
PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "link",
        re.compile(
            r"\b(?:https?://\S{1,300}|www\.\S{1,300}|[\w-]{1,60}\.(?:com|org|net|edu|gov|io|co\.uk|de)\b\S{0,100})",
            re.I,
        ),
    ),
    ("date", re.compile(r"\b\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}\b")),
    (
        "date",
        re.compile(
            rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? )?{MONTH}\.?,? \d{{1,4}}(?:st|nd|rd|th)?(?:,? \d{{2,4}})?\b", re.I
        ),
    ),
    ("date", re.compile(rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}\b(?:,? \d{{2,4}})?", re.I)),
    ("date", re.compile(r"\b(?:19|20)\d\d\b")),
    ("date", re.compile(r"\b(?:January|February|March|April|August|September|October|November|December)\b")),
    ("age", re.compile(r"\b(?:9\d|1[01]\d)(?=[- ]?(?:years?|yrs?|y/?o\b|year-old))", re.I)),
    (
        "id",
        re.compile(
            r"\b(?:MRN|ID|record|account|acct|licen[cs]e|policy|case|member|serial|visa|"
            r"passport)\s*(?:number|no\.?|#)?\s*[:#]?\s*([A-Z]{0,3}[- ]?\d[\w-]{2,20})",
            re.I,
        ),
    ),
    (
        "address",
        re.compile(
            rf"\b\d{{1,6}}[A-Za-z]?,? (?:{CAPITAL} ){{1,4}}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|"
            rf"Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Square|Terrace|Trail|Parkway)\b\.?"
        ),
    ),
    (
        "address",
        re.compile(rf"\b{CAPITAL}(?:stra\u00dfe|strasse|gasse|weg|platz|gata|gade|vej|gatan|katu|tie) \d{{1,5}}\b"),
    ),
    ("address", re.compile(r"\bP\.?O\.? Box \d{1,8}\b", re.I)),
    ("id", re.compile(r"\b[A-Z]{1,3}-?\d{5,12}\b")),
    ("id", re.compile(r"\b\d{5,20}(?:-\d{4})?\b")),
    (
        "organisation",
        re.compile(
            rf"\b(?:{CAPITAL} ){{1,4}}(?:Hospital|Clinic|Medical Center|University|Institute|Inc|Ltd|"
            rf"LLC|Corp|GmbH|Bank|School|College)\b\.?"
        ),
    ),
    (
        "name",
        re.compile(
            rf"\b(?:Mr|Mrs|Ms|Miss|Dr|Doctor|Prof|Professor|Nurse|Father|Sister|Judge|Rev)\b\.? "
            rf"(?:{CAPITAL}(?: (?:[A-Z]\.|{CAPITAL})){{0,2}})"
        ),
    ),
    (
        "name",
        re.compile(
            r"\b(?:my name is|name:|i am called|this is|signed,?|dictated by|seen by|referred by|"
            r"accompanied by(?: \w+ \w+,)?)\s+([A-Za-z][\w'\u2019-]+(?: [A-Z][\w'\u2019.-]*){0,3})",
            re.I,
        ),
    ),
)
PLACE_BEFORE = re.compile(r"\b(?:in|from|to|at|near|of|visiting|lives in|moved to)\s$", re.I)
WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
# Capitalised words of notes that tell nobody: sections, drugs' and tests' usual names, days. Own list.
_HARMLESS = """patient doctor nurse mri ct ecg ekg ed er icu iv bp hr copd hiv cbc dna rna er ent ob gyn tb uti ms ph xray monday
tuesday wednesday thursday friday saturday sunday chief complaint history present illness review systems past
medical surgical social family medications allergies exam physical assessment plan labs imaging procedures english
tylenol advil motrin aspirin ibuprofen penicillin caucasian hispanic african american asian latino white black i ok
okay yes no covid"""
HARMLESS = frozenset(_HARMLESS.split())
COMMON = 40  # a word seen this often in lower case in our counts is a word, not a name


@dataclass(frozen=True)
class Hidden:
    """text[start:end] was replaced by ``[kind]``."""

    start: int
    end: int
    kind: str


def find(text: str) -> list[Hidden]:
    """Everything that may tell who is meant, in order, without overlaps."""
    spans = [Hidden(one.start, one.end, one.kind) for one in personal.find(text)]
    for kind, pattern in PATTERNS:
        for match in pattern.finditer(text):
            group = 1 if pattern.groups and match.group(1) else 0
            spans.append(Hidden(match.start(group), match.end(group), kind))
    spans += _capitals(text)
    return _merged(spans)


def deidentify(text: str) -> tuple[str, list[Hidden]]:
    """The note with every finding as ``[kind]``, and where they stood."""
    found = find(text)
    for one in reversed(found):
        text = text[: one.start] + f"[{one.kind}]" + text[one.end :]
    return text, found


def _capitals(text: str) -> list[Hidden]:
    """Words that are names by our lists, or capitalised and no word that is known in lower case."""
    counts = corrector.shipped().counts
    found: list[Hidden] = []
    for match in WORD.finditer(text):
        word = match.group()
        lower = re.sub(r"['\u2019]s$", "", word.lower())
        known = lower in FIRST or lower in LAST
        if not word[0].isupper():
            continue
        if known and (lower not in ALSO_WORDS or _beside_name(text, match)):
            found.append(Hidden(match.start(), match.end(), "name"))
            continue
        is_word = counts.frequency(lower) >= COMMON and lower not in counts.upper
        if lower in HARMLESS or is_word or len(word) < 2 or (word.isupper() and len(word) < 6):
            continue
        before = text[max(0, match.start() - 14) : match.start()]
        starts = not before.strip() or before.rstrip()[-1:] in ".!?:\n"
        if starts and counts.frequency(lower) > 3 and lower not in counts.upper:
            continue
        kind = "place" if PLACE_BEFORE.search(before) else "name"
        found.append(Hidden(match.start(), match.end(), kind))
    return found


def _beside_name(text: str, match: re.Match[str]) -> bool:
    """Whether another capitalised word of the name lists stands beside."""
    near = (
        re.findall(WORD, text[max(0, match.start() - 20) : match.start()])[-1:]
        + re.findall(WORD, text[match.end() : match.end() + 20])[:1]
    )
    return any(one[0].isupper() and (one.lower() in FIRST or one.lower() in LAST) for one in near)


def _merged(spans: Sequence[Hidden]) -> list[Hidden]:
    """Overlapping findings as one, of the longer one's kind."""
    merged: list[Hidden] = []
    for one in sorted(spans, key=lambda span: (span.start, span.start - span.end)):
        if merged and one.start < merged[-1].end:
            last = merged[-1]
            kind = last.kind if last.end - last.start >= one.end - one.start else one.kind
            merged[-1] = Hidden(last.start, max(last.end, one.end), kind)
        else:
            merged.append(one)
    return merged
