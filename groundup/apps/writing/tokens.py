"""Words and marks of a text with their places, for the corrector: ``I don't, she said`` -> I | don't | , | she | said."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORD = re.compile(r"[^\W_]+(?:['\u2019\u2010-][^\W_]+)*|[^\w\s]|_")


@dataclass(frozen=True)
class Token:
    """``text[start:end] == word``, in characters of the whole text."""

    start: int
    end: int
    word: str

    @property
    def lower(self) -> str:
        """In lower case, with a straight apostrophe."""
        return self.word.lower().replace("\u2019", "'")

    @property
    def is_word(self) -> bool:
        """Letters (with apostrophes or hyphens), not a mark or a number."""
        return self.word[0].isalpha()


def tokens(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens of ``text[start:end]``; offsets count from the start of the whole text."""
    stop = len(text) if end is None else end
    return [Token(m.start(), m.end(), m.group()) for m in WORD.finditer(text, start, stop)]


def cased(word: str, like: str) -> str:
    """`word` with the capitals of `like`: All, ALL or all."""
    if len(like) > 1 and like.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word
