"""Risk flags: what in a note a clinician should look at first, each with its sentence, negation-aware and calibrated.

A pattern names the risk; what stands around it decides how likely it is meant of this patient, now: denied ("denies chest
pain"), of the family, of the past, only feared, only asked. After NegEx and ConText (Chapman et al. 2001; Harkema et al.
2009): their triggers, as features of a logistic model, so that the flag carries a probability.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.language.words import sentences

RISKS: dict[str, str] = {
    "heart": r"chest (?:pain|pressure|tightness|discomfort)|crushing (?:pain|chest)|heart attack|"
    r"myocardial infarction|palpitations",
    "breathing": r"shortness of breath|short of breath|dyspn\w+|difficulty breathing|trouble breathing|"
    r"can(?:not|'?t) breathe|gasping",
    "stroke": r"slurred speech|facial droop\w*|face (?:is )?droop\w*|arm weakness|weakness (?:on|in|"
    r"of) (?:the|my|one|his|her) (?:left|right|one)|one-sided weakness|"
    r"sudden (?:confusion|vision loss|blindness|numbness)|stroke",
    "suicide": r"suicid\w*|kill (?:myself|himself|herself)|end (?:my|his|her) life|self[- ]harm|"
    r"want(?:s|ed)? to die|better off dead",
    "bleeding": r"(?:vomit\w*|cough\w*|throwing|spitting) (?:up )?blood|blood in (?:the |my |his |her "
    r")?(?:stool|urine)|black (?:tarry )?stools?|"
    r"heavy bleeding|hemoptysis|hematemesis|melena|bleeding (?:that )?(?:won'?t|does not|will not) stop",
    "allergy": r"anaphyla\w+|throat (?:is )?(?:closing|swelling)|swelling of (?:the |my )?(?:tongue|"
    r"throat|lips)|tongue (?:is )?swell\w*",
    "infection": r"sepsis|septic|stiff neck|(?:high )?fever (?:of|over) (?:10[2-9]|39|4\d)|meningitis",
    "overdose": r"overdos\w*|took too many|poison\w*",
    "violence": r"(?:hits|beats|hurts|chok\w+) (?:me|her|him)|domestic (?:violence|abuse)|afraid (?:of|"
    r"to go) (?:home|my|her|his)|feels? unsafe at home",
    "head": r"worst headache|loss of consciousness|lost consciousness|passed out|seizures?|faint\w*|unresponsive",
}
PATTERNS = {name: re.compile(rf"\b(?:{pattern})", re.I) for name, pattern in RISKS.items()}
SCOPE = 8  # words on either side in which a trigger reaches; NegEx uses 5, spoken notes are wordier
NEGATED = re.compile(
    r"\b(?:no|not|denie[sd]|deny|denying|without|negative for|never|none|free of|absence of|"
    r"rule[sd]? out|n't|nor|neither|nope)\b|n't\b",
    re.I,
)
NEGATED_AFTER = re.compile(
    r"\b(?:denied|absent|negative|ruled out|unlikely|not (?:present|noted|seen|reported))\b|"
    r"\?\s*(?:\w+:\s*)?(?:no|nope|none|never|not)\b",
    re.I,
)
FAMILY = re.compile(
    r"\b(?:mother|father|brother|sister|son|daughter|aunt|uncle|grand\w+|family history|"
    r"wife|husband|cousin|mom|dad|parents?)\b",
    re.I,
)
PAST = re.compile(
    r"\b(?:history of|years? ago|previous(?:ly)?|past|as a child|in (?:19|20)\d\d|prior|"
    r"used to|resolved|last (?:year|month)|months ago)\b",
    re.I,
)
FEARED = re.compile(
    r"\b(?:if|return (?:if|for)|in case|should (?:you|he|she)|watch for|worr\w+ about|risk "
    r"of|screen(?:ed|ing)? for|prevent\w*|call (?:us|911) if|educat\w+|monitor for|come "
    r"back)\b",
    re.I,
)
ASKED = re.compile(r"\b(?:any|do you|have you|are you|did you|is there)\b[^?.]*\?\s*$", re.I)
NOW = re.compile(
    r"\b(?:today|now|currently|sudden\w*|severe|worst|started|since|this morning|tonight|"
    r"complain\w*|reports?|presents?|having|endorses?|admits?|states?)\b|\byes\b|\byeah\b",
    re.I,
)
END_OF_SCOPE = re.compile(r"\b(?:but|however|although|except|though|yet|now)\b|[;.]", re.I)
FEATURES = ("negated", "negated after", "family", "past", "feared", "asked", "now", "constant")
# Fitted by `evaluate.refit` on the sentences of `cases.training`; the order is FEATURES. "asked" (a question without an
# answer) does not occur there and was set by hand: such a question alone is no finding.
WEIGHTS = (-5.4, -4.11, -3.53, -4.12, -4.46, -4.0, 2.34, 1.65)


@dataclass(frozen=True)
class Flag:
    """A risk, the sentence that speaks of it (text[start:end]) and how likely it is meant of this patient, now."""

    risk: str
    evidence: str
    start: int
    end: int
    found: str
    probability: float
    why: tuple[str, ...]  # the features that speak, by name


def flags(text: str, threshold: float = 0.0) -> list[Flag]:
    """Every risk spoken of, the likeliest first; the same risk once, at its likeliest sentence."""
    best: dict[str, Flag] = {}
    spans = _spans(text)
    for place, (start, end) in enumerate(spans):
        sentence = text[start:end]
        after = text[slice(*spans[place + 1])] if place + 1 < len(spans) else ""
        for risk, pattern in PATTERNS.items():
            for match in pattern.finditer(sentence):
                values = features(sentence, match.start(), match.end(), after)
                chance = probability(values)
                why = tuple(name for name, value in zip(FEATURES, values, strict=True) if value and name != "constant")
                made = Flag(risk, sentence, start, end, match.group(), chance, why)
                if chance >= threshold and (risk not in best or chance > best[risk].probability):
                    best[risk] = made
    return sorted(best.values(), key=lambda one: -one.probability)


def features(sentence: str, start: int, end: int, following: str = "") -> tuple[float, ...]:
    """What stands around a finding, in the order of FEATURES. following: the next sentence, which may be the answer."""
    before = " ".join(re.split(r"\s+", sentence[:start])[-SCOPE - 1 :])
    cut = list(END_OF_SCOPE.finditer(before))
    near = before[cut[-1].end() :] if cut else before
    after = " ".join(re.split(r"\s+", sentence[end:])[: SCOPE + 1])
    question = bool(ASKED.search(sentence))
    reply = following.partition(":")[2].strip() or following
    no = question and bool(re.match(r"\W*(?:no|nope|not|never|none|nah|i don'?t|i haven'?t)\b", reply, re.I))
    yes = question and bool(re.match(r"\W*(?:yes|yeah|yep|i do|i have|sometimes|a little|a lot)\b", reply, re.I))
    values = (
        bool(NEGATED.search(near)) or no,
        bool(NEGATED_AFTER.search(after)),
        bool(FAMILY.search(sentence[:start])),
        bool(PAST.search(before) or PAST.search(after)),
        bool(FEARED.search(before)),
        question and not (yes or no),
        bool(NOW.search(sentence)) or yes,
    )
    return (*(float(value) for value in values), 1.0)


def probability(values: Sequence[float], weights: Sequence[float] = WEIGHTS) -> float:
    """The modelled probability that the finding is this patient's, now."""
    return 1 / (1 + math.exp(-sum(w * v for w, v in zip(weights, values, strict=True))))


def fit(rows: Sequence[Sequence[float]], labels: Sequence[bool]) -> tuple[float, ...]:
    """WEIGHTS from rows of features and whether the flag is right: logistic regression (Newton, ridge 0.5)."""
    x_NF, y_N = np.array(rows, dtype=np.float64), np.array(labels, dtype=np.float64)
    weights_F = np.zeros(x_NF.shape[1])
    ridge = 0.5 * np.eye(x_NF.shape[1])
    for _ in range(30):
        p_N = 1 / (1 + np.exp(-x_NF @ weights_F))
        gradient_F = x_NF.T @ (p_N - y_N) + ridge @ weights_F
        weights_F -= np.linalg.solve((x_NF.T * (p_N * (1 - p_N))) @ x_NF + ridge, gradient_F)
    return tuple(round(float(value), 2) for value in weights_F)


def _spans(text: str) -> list[tuple[int, int]]:
    """Sentences, and in a dialogue never across two speakers' turns."""
    found = []
    for line in re.finditer(r"[^\n]+", text):
        found += [(line.start() + a, line.start() + b) for a, b in sentences(line.group())]
    return found
