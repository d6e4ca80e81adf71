"""Splitting text into words and sentences by rules, for counting, filtering and metrics (not for the tokenizer).

Words: runs of letters, digits and marks, with inner apostrophes and hyphens ("don't", "well-known"); a character of
a script written without spaces (Han, Kana, Thai ...) is a word of its own. Sentences: end marks followed by space
and something that can open a sentence; common abbreviations and initials do not end one.
"""

from __future__ import annotations

import re

# Han, Kana, Thai, Lao, Khmer, Myanmar: scripts that do not put spaces between words.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"

_WORD = re.compile(f"[{UNSPACED}]|[^\\W_{UNSPACED}]+(?:['\u2019-][^\\W_{UNSPACED}]+)*")
_UNSPACED_CHARACTER = re.compile(f"[{UNSPACED}]")

# The end of a sentence: marks, closing quotes, space; or a mark of a script without spaces; or an empty line.
_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s)|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d]*|\n[ \t]*\n")
_LISTED = """mr mrs ms dr prof st rev hon jr sr vs etc e.g i.e cf al fig vol ed pp inc ltd co corp dept gen col sgt capt
jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k a.m p.m"""
_ABBREVIATIONS = frozenset(_LISTED.split())


def words(text: str) -> list[str]:
    """The words of `text` in order, as written (case kept, punctuation left out)."""
    return _WORD.findall(text)


def unspaced_share(text: str) -> float:
    """The share of characters of scripts written without spaces between words, in [0, 1]."""
    if text.isascii():
        return 0.0
    return len(_UNSPACED_CHARACTER.findall(text)) / len(text)


def sentences(text: str) -> list[tuple[int, int]]:
    """The sentences of `text` as (start, end) character offsets, without the white space around them."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        if match.group()[0] in ".!?\u2026" and not _ends_here(text, start, match):
            continue
        start = _add(spans, text, start, match.end())
    _add(spans, text, start, len(text))
    return spans


def _ends_here(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether a mark closes a sentence: not before a lower-case word, a full stop not after an abbreviation or initial."""
    following = text[match.end() : match.end() + 6].lstrip()
    if following[:1].islower():
        return False
    if match.group()[0] != ".":
        return True
    before = text[max(start, match.start() - 12) : match.start()].split()
    last = before[-1].lstrip("\"'(\u201c\u2018").lower() if before else ""
    return last not in _ABBREVIATIONS and not (len(last) == 1 and last.isalpha() and last != "i")


def _add(spans: list[tuple[int, int]], text: str, start: int, end: int) -> int:
    """Append text[start:end] without its outer white space, if anything is left; returns `end`."""
    piece = text[start:end]
    left = start + len(piece) - len(piece.lstrip())
    right = end - (len(piece) - len(piece.rstrip()))
    if right > left:
        spans.append((left, right))
    return end
