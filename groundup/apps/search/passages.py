"""Cutting a document into passages of whole sentences with their character offsets.

``text[passage.start:passage.end]`` is always the passage, so that a citation can be opened and checked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A sentence ends at . ! ? (or the CJK full stop) with closing quotes, before a space, or at a blank line.
# Quadratic-free on purpose: one left-to-right scan, so that a 100 MB line is cut in one pass.
BOUNDARY = re.compile(r"[.!?][\"')\]\u201d\u2019]*(?=\s)|[\u3002\uff01\uff1f]|\n\s*\n|\n(?=\s*(?:[#*\-]|\d+\.)\s)")
_ABBREVIATIONS = "mr mrs ms dr prof st no vs etc fig eq al inc ltd jr sr e.g i.e approx dept est cf vol"
ABBREVIATIONS = frozenset(_ABBREVIATIONS.split())
WORD_BEFORE = re.compile(r"([\w.]+)$")
LONGEST_WORDS_FACTOR = 2  # a "sentence" of more than twice the wanted size (a table, a log) is cut at spaces


@dataclass(frozen=True)
class Span:
    """Half-open character offsets in the document."""

    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """The sentences of a text; never empty spans, surrounding space left out."""
    found: list[Span] = []
    start = 0
    for match in BOUNDARY.finditer(text):
        if match.group().startswith(".") and _is_abbreviation(text[max(start, match.start() - 20) : match.start()]):
            continue
        _add(found, text, start, match.end())
        start = match.end()
    _add(found, text, start, len(text))
    return found


def passages(text: str, words: int = 120) -> list[Span]:
    """Runs of whole sentences of about `words` words; a longer sentence is cut at spaces."""
    found: list[Span] = []
    start, end, count = -1, -1, 0
    for sentence in sentences(text):
        for piece in _pieces(text, sentence, words):
            size = text.count(" ", piece.start, piece.end) + 1
            if start >= 0 and count + size > words and count >= words // 3:
                found.append(Span(start, end))
                start, count = -1, 0
            if start < 0:
                start = piece.start
            end = piece.end
            count += size
    if start >= 0:
        found.append(Span(start, end))
    return found


def _add(found: list[Span], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        found.append(Span(start, end))


def _is_abbreviation(before: str) -> bool:
    match = WORD_BEFORE.search(before)
    if match is None:
        return False
    word = match.group(1)
    return word.lower() in ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word.isupper())


def _pieces(text: str, sentence: Span, words: int) -> list[Span]:
    longest = words * LONGEST_WORDS_FACTOR * 8  # characters; 8 a word with its space is generous
    if sentence.end - sentence.start <= longest:
        return [sentence]
    found: list[Span] = []
    start = sentence.start
    while start < sentence.end:
        end = min(start + longest // 2, sentence.end)
        if end < sentence.end:
            space = text.rfind(" ", start + 1, end)
            end = space if space > start else end
        _add(found, text, start, end)
        start = end
    return found
