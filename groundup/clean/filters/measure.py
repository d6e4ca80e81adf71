"""What the rules of quality look at, measured once per document and shared by all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from groundup.clean.options import QualityOptions
from groundup.core.registry import Registry
from groundup.language.words import unspaced_share, words

UNSPACED_LIMIT = 0.3  # share of Han, Kana, Thai ... characters from which words are split by `language.words`. Taste


class Measured:
    """One text. kind: "prose" or "markdown"; is_book: longer than the rules for pages were made for."""

    def __init__(self, text: str, kind: str, is_book: bool) -> None:
        self.text = text
        self.kind = kind
        self.is_book = is_book

    @cached_property
    def is_unspaced(self) -> bool:
        """Mostly a script without spaces between words: rules on words do not hold."""
        return unspaced_share(self.text[:5000]) > UNSPACED_LIMIT

    @cached_property
    def words(self) -> list[str]:
        """Words as the rules count them: split at white space, punctuation left on."""
        return words(self.text) if self.is_unspaced else self.text.split()

    @cached_property
    def lines(self) -> list[str]:
        """Lines with something on them, stripped."""
        return [line.strip() for line in self.text.split("\n") if line and not line.isspace()]

    @cached_property
    def content_lines(self) -> list[str]:
        """Lines of three words or more: what C4 leaves of a page, and so what FineWeb's rules, which come after, see."""
        return [line for line in self.lines if len(line.split(None, 2)) > 2]

    @cached_property
    def paragraphs(self) -> list[str]:
        """Pieces between empty lines."""
        return [piece.strip() for piece in self.text.split("\n\n") if piece and not piece.isspace()]


Reason = tuple[str, str]  # (counted word, evidence)
FILTERS: Registry[Callable[[Measured, QualityOptions], Reason | None]] = Registry("quality filter")
