"""Answers made of sentences that stand in the documents; every one cited and checked; else "I found nothing".

1. Search; 2. every sentence of the best passages becomes a candidate with a few features; 3. a small logistic model
(weights below) gives the probability that the sentence answers; 4. under the measured threshold the answer fails
closed; 5. each quoted sentence is looked up again at its offsets before it leaves.

A generator may phrase the answer; each of its sentences must then name a passage that supports it, or it is dropped.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundup.apps.base import Answer, Citation
from groundup.apps.search.generator import question_messages
from groundup.apps.search.index import Filters, Passage
from groundup.apps.search.passages import sentences
from groundup.apps.search.stem import STOP_WORDS, fold, stem, stems, tokens
from groundup.apps.search.understand import Query
from groundup.core.errors import GroundupError

if TYPE_CHECKING:
    from groundup.apps.search.app import Search

NOTHING = "I found nothing in your documents that answers this."
NUM_PASSAGES = 5  # passages whose sentences are candidates; the right one is among them for 9 of 10 SQuAD questions
MOST_SENTENCES = 3
FEATURES = ("sentence", "nearby", "passage", "missing", "expected", "first", "length")
# Fitted by `evaluate.fit_answering` on 3,000 SQuAD v1.1 train questions, half of them with their article removed
# (seed 1); the order is FEATURES, then the constant.
WEIGHTS = (4.77, 0.75, 0.58, -0.42, 1.05, 2.14, 0.13, -7.27)
NUMBER = re.compile(r"\d")
DATE = re.compile(
    r"\b(?:1[0-9]{3}|20[0-9]{2}|\d+ (?:days?|weeks?|months?|years?)|january|february|march|april|may|june|july|august|"
    r"september|october|november|december|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b",
    re.I,
)
NUMBER_WORDS = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million|free|every|once|twice|daily|weekly|monthly|yearly)\b",
    re.I,
)
NAME = re.compile(r"(?<=[\w,] )[A-Z][\w'-]+")
_NEGATIONS = "not no never cannot can't won't don't doesn't isn't without neither nor none unable"
NEGATIONS = frozenset(_NEGATIONS.split())
MARKUP = re.compile(r"^(?:[#>*\-+\s]|\d+\.\s)+")
SUPPORT = 0.6  # share of a sentence's weighted words its passage must hold; taste, with numbers and names held to 1


@dataclass(frozen=True)
class Candidate:
    """A sentence that may answer, with its place in the document."""

    passage: Passage
    start: int
    end: int
    text: str
    values: tuple[float, ...]  # in the order of FEATURES

    @property
    def confidence(self) -> float:
        """The modelled probability that the sentence answers the question."""
        score = WEIGHTS[-1] + sum(weight * value for weight, value in zip(WEIGHTS, self.values, strict=False))
        return 1 / (1 + math.exp(-score))


class Answerer:
    """Answers over one `Search`."""

    def __init__(self, search: Search) -> None:
        self.search = search

    def answer(self, question: str, *, filters: Filters | None = None) -> Answer:
        """The answer to one question; `found` False and no citation when the documents do not hold it."""
        query = self.search.understand(question)
        if not query.words:
            return Answer("Ask a question about your documents, in words.", found=False)
        candidates = self.candidates(query, filters=filters)
        best = candidates[0].confidence if candidates else 0.0
        if best < self.search.options.answer_threshold:
            return Answer(NOTHING, confidence=best, found=False)
        if self.search.generate is not None:
            phrased = self._phrased(question, candidates)
            if phrased is not None:
                return phrased
        return self._quoted(candidates)

    def candidates(self, query: Query, *, filters: Filters | None = None) -> list[Candidate]:
        """Every sentence of the best passages, best first."""
        ranked = self.search.rank(query, filters=filters)[:NUM_PASSAGES]
        found = self.search.index.passages([number for number, _ in ranked])
        weights = {one: self.search.weight(one) for one in query.stems}
        candidates = [
            candidate
            for rank, (number, _) in enumerate(ranked)
            if number in found
            for candidate in _of_passage(found[number], rank, query, weights)
        ]
        return sorted(candidates, key=lambda candidate: -candidate.confidence)

    def _quoted(self, candidates: list[Candidate]) -> Answer:
        best = candidates[0]
        bar = max(self.search.options.answer_threshold, 0.8 * best.confidence)
        chosen = [c for c in candidates if c.passage.number == best.passage.number and c.confidence >= bar]
        chosen = sorted(chosen[:MOST_SENTENCES], key=lambda candidate: candidate.start)
        kept: list[Citation] = []
        for candidate in chosen:
            # Checked after: the sentence must stand in the document as it is now, at these offsets.
            text = self.search.index.text_of(candidate.passage.document_id)
            if text[candidate.start : candidate.end] == candidate.text:
                place = candidate.passage
                kept.append(
                    Citation(
                        place.document_id, place.path, candidate.start, candidate.end, candidate.text, place.source
                    )
                )
        if not kept:
            return Answer(NOTHING, found=False)
        words = " ".join(f"{readable(one.text)} [{number}]" for number, one in enumerate(kept, start=1))
        return Answer(words, tuple(kept), confidence=best.confidence)

    def _phrased(self, question: str, candidates: list[Candidate]) -> Answer | None:
        """The generator's sentences that their passages support; None when none is left or it failed."""
        assert self.search.generate is not None
        passages = list({one.passage.number: one.passage for one in candidates}.values())
        try:
            raw = self.search.generate(question_messages(question, [one.text for one in passages]))
        except GroundupError:
            return None  # the server is down: the quotation stands without it
        cited: dict[int, Citation] = {}
        said: list[str] = []
        for sentence, named in cited_sentences(raw):
            good = [
                number
                for number in named
                if 1 <= number <= len(passages) and supported(sentence, passages[number - 1].text, self.search)
            ]
            if not good:
                continue
            for number in good:
                place = passages[number - 1]
                cited.setdefault(
                    number,
                    Citation(place.document_id, place.path, place.start, place.end, place.text, place.source),
                )
            order = list(cited)
            said.append(sentence + "".join(f" [{order.index(number) + 1}]" for number in good))
        if not said:
            return None
        return Answer(" ".join(said), tuple(cited.values()), confidence=candidates[0].confidence)


def _of_passage(passage: Passage, rank: int, query: Query, weights: dict[str, float]) -> list[Candidate]:
    spans = sentences(passage.text)
    total = sum(weights.values()) or 1.0
    wanted = set(weights)
    rarest = max(weights, key=lambda one: weights[one])
    held = [{stem(word) for _, _, word in tokens(passage.text[one.start : one.end])} for one in spans]
    title = set(stems(passage.title))
    everything = set().union(title, *held) & wanted
    found: list[Candidate] = []
    for place, span in enumerate(spans):
        text = passage.text[span.start : span.end]
        num_words = len(text.split())
        if num_words < 4 or text.startswith("#") or text.endswith("?"):
            continue  # headings and questions answer nothing, but count as neighbours
        nearby = held[place].union(*held[max(0, place - 1) : place + 2])
        values = (
            sum(weights[one] for one in held[place] & wanted) / total,
            sum(weights[one] for one in nearby & wanted) / total,
            sum(weights[one] for one in everything) / total,
            float(rarest not in everything),
            _expected(text, query),
            1 / (1 + rank),
            min(num_words, 40) / 40,
        )
        found.append(Candidate(passage, passage.start + span.start, passage.start + span.end, text, values))
    return found


def _expected(text: str, query: Query) -> float:
    """1 when the sentence holds the kind of thing asked for, 0 when not, 0.5 when the question asks for no kind."""
    if not query.expects:
        return 0.5
    asked = set(query.words)
    if query.expects == "number":
        new = [word for _, _, word in tokens(text) if NUMBER.search(word) and word not in asked]
        return float(bool(new) or bool(NUMBER_WORDS.search(text)))
    if query.expects == "date":
        return float(any(fold(match.group()) not in asked for match in DATE.finditer(text)))
    return float(any(fold(match.group()) not in asked for match in NAME.finditer(text)))


def readable(text: str) -> str:
    """A sentence without Markdown marks and line breaks, for reading; the citation keeps it as it stands."""
    return " ".join(MARKUP.sub("", text).replace("**", "").replace("`", "").split())


def cited_sentences(raw: str) -> list[tuple[str, list[int]]]:
    """A generator's text as ``(sentence without marks, numbers named)``; a mark after the full stop belongs before it."""
    raw = re.sub(r"([.!?])\s*((?:\[\d+\]\s*)+)", r" \2\1 ", raw)
    found = []
    for span in sentences(raw):
        sentence = raw[span.start : span.end]
        numbers = [int(number) for number in re.findall(r"\[(\d{1,3})\]", sentence)]
        clean = re.sub(r"\s*\[\d+\]\s*", " ", sentence)
        found.append((re.sub(r"\s+([.!?])", r"\1", " ".join(clean.split())), numbers))
    return found


def supported(sentence: str, passage: str, search: Search) -> bool:
    """True when the passage carries the sentence: all its numbers and names, most of its words, and no turned negation."""
    words = [word for _, _, word in tokens(sentence)]
    there = {stem(word) for _, _, word in tokens(passage)}
    folded = {word for _, _, word in tokens(passage)}
    if any(NUMBER.search(word) and word not in folded for word in words):
        return False
    if any(stem(fold(match.group())) not in there for match in NAME.finditer(sentence)):
        return False
    weights = {stem(word): search.weight(stem(word)) for word in words if word not in STOP_WORDS}
    total = sum(weights.values())
    if total == 0 or sum(value for one, value in weights.items() if one in there) < SUPPORT * total:
        return False
    wanted = set(weights)
    spans = sentences(passage)
    nearest = max(spans, key=lambda one: len(wanted & set(stems(passage[one.start : one.end]))), default=None)
    if nearest is None:
        return False
    return _negated(sentence) == _negated(passage[nearest.start : nearest.end])


def _negated(text: str) -> bool:
    return any(word in NEGATIONS or word.endswith("n't") for word in text.lower().replace("\u2019", "'").split())
