"""Questions of customers, answered from the company's pages: one section at a time, quoted, with its source.

Pages of a company are short and have headings, so that the unit is the section ("## What a return costs"), and the
question is held against heading and text with the company's synonyms. Under the threshold nothing is answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from groundup.apps.base import Answer, Citation
from groundup.apps.search.answering import DATE, NOTHING, NUMBER_WORDS, readable
from groundup.apps.search.app import Hit, Search
from groundup.apps.search.passages import sentences
from groundup.apps.search.stem import STOP_WORDS, stem, tokens
from groundup.apps.search.understand import EXPECTS, Query
from groundup.core.document import Document

HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*$", re.MULTILINE)
# Words of nearly every question to a shop; they tell nothing about which section answers it.
_EMPTY_WORDS = (
    "long much many take takes get gets got want wants need needs know tell like order orders ordered item "
    "items thing things buy bought product something anything shop company work works possible able offer "
    "please hello hi help let make use using give go happen happens policy rule rules question wonder "
    "wondering"
)
EMPTY_WORDS = frozenset(_EMPTY_WORDS.split())
HEADING_SHARE = 0.35  # of the score for matches in the heading; taste, heading and text are both needed
UNKNOWN_WEIGHT = 1.5  # a word the pages never use weighs this many average words: it is why a question is not answered
NUM_HITS = 20


def sections(documents: Iterable[Document]) -> Iterator[Document]:
    """Markdown documents as one document a section (title: its heading); others pass unchanged."""
    for document in documents:
        found = list(HEADING.finditer(document.text))
        if not found:
            yield document
        for place, match in enumerate(found):
            end = found[place + 1].start() if place + 1 < len(found) else len(document.text)
            body = document.text[match.end() : end].strip()
            if body:
                path = f"{document.path}#{match.group(2)}"
                meta = {**document.meta, "title": match.group(2)}
                yield replace(document, text=body, path=path, meta=meta, id="", content_hash="")


def answer(question: str, search: Search, threshold: float) -> Answer:
    """The section that answers, or `found` False."""
    query = search.understand(question)
    words = [word for word in query.words if word not in EMPTY_WORDS]
    if not words:
        words = [word for word in query.words if word not in STOP_WORDS]
    groups = {word: _group(word, query, search.synonyms) for word in words}
    if not groups:
        return Answer(NOTHING, found=False)
    weights = {word: _weight(group, search) for word, group in groups.items()}
    also = tuple(one for word in words for one in search.synonyms.get(word, ()))
    asked = Query(query.text, tuple(words), query.stems, tuple(dict.fromkeys((*query.also, *also))))
    ranked = search.rank_words(asked)[:NUM_HITS]
    passages = search.index.passages([number for number, _ in ranked])
    best, best_score = None, 0.0
    for rank, (number, score) in enumerate(ranked):
        hit = Hit(passages[number], score, "", ())
        value = _score(hit, question, groups, weights) - 0.01 * rank  # BM25 breaks ties
        if value > best_score:
            best, best_score = hit, value
    if best is None or best_score < threshold:
        return Answer(NOTHING, confidence=best_score, found=False)
    return _quote(best, search, groups, best_score)


def speaks_of(text: str, search: Search) -> bool:
    """True when the pages use a telling word of the message (not one that nearly every question holds)."""
    words = [word for word in search.understand(text).words if word not in EMPTY_WORDS and len(word) > 3]
    return any(search.index.document_frequency(stem(word)) for word in words)


def _group(word: str, query: Query, synonyms: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """The stems that stand for a word of the question: itself and the single-word synonyms of it and its base form."""
    others: set[str] = {stem(word)}
    for key, members in synonyms.items():
        if " " not in key and stem(key) == stem(word):
            others |= {stem(member) for member in members if " " not in member}
    return frozenset(others)


def _weight(group: frozenset[str], search: Search) -> float:
    known = any(search.index.document_frequency(one) for one in group)
    return (
        max(0.5, min(2.0, search.weight(max(group, key=search.index.document_frequency)) / 2))
        if known
        else UNKNOWN_WEIGHT
    )


def _score(hit: Hit, question: str, groups: Mapping[str, frozenset[str]], weights: Mapping[str, float]) -> float:
    """In [0, 1]: how much of the question the section covers, an exact word counting more than a synonym."""
    heading = {stem(word) for _, _, word in tokens(hit.passage.title)}
    body = {stem(word) for _, _, word in tokens(hit.passage.text)}
    total = sum(weights.values()) or 1.0
    value = 0.0
    for word, group in groups.items():
        in_heading = 1.0 if stem(word) in heading else 0.85 if group & heading else 0.0
        in_body = 1.0 if stem(word) in body else 0.85 if group & body else 0.0
        covered = max(in_heading, in_body) * (1 - HEADING_SHARE) + in_heading * HEADING_SHARE
        value += weights[word] * covered
    wanted = next((name for name, pattern in EXPECTS if pattern.search(question.lower())), "")
    text = hit.passage.text
    if wanted in ("number", "date") and not (re.search(r"\d", text) or NUMBER_WORDS.search(text) or DATE.search(text)):
        value *= 0.6
    return value / total


def _quote(hit: Hit, search: Search, groups: Mapping[str, frozenset[str]], score: float) -> Answer:
    """The section when it is short, else the sentence that covers most and the one after it."""
    place = hit.passage
    text = search.index.text_of(place.document_id)
    spans = sentences(text)
    if len(spans) > 3:
        wanted = frozenset().union(*groups.values())
        held = [{stem(word) for _, _, word in tokens(text[one.start : one.end])} & wanted for one in spans]
        first = max(range(len(spans)), key=lambda number: len(held[number]))
        spans = spans[first : first + 2]
    citation = Citation(
        place.document_id, place.path, spans[0].start, spans[-1].end, text[spans[0].start : spans[-1].end], place.source
    )
    return Answer(f"{readable(citation.text)} [1]", (citation,), confidence=min(1.0, score))
