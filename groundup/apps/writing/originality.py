"""How much of a text stands word for word in other texts: a run's training tokens, or any folder of documents.

Word for word is what is checked; ideas in other words are not found. Short runs of words stand in almost any text, so
that only runs of `MIN_WORDS` words and more count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from groundup.apps.search.reading import documents_of
from groundup.core.document import Document
from groundup.language.words import words

MIN_WORDS = 6  # shorter runs are common property; taste, between the 4 of casual phrases and the 8 of quotations


@dataclass(frozen=True)
class Copied:
    """text[start:end] (characters) stands in `path`, a document of `source`."""

    start: int
    end: int
    text: str
    source: str
    path: str


class Library:
    """Texts to compare with, as a set of word runs. Memory grows with the texts; for large ones use a run's trace index."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = list(documents)
        self._runs: dict[int, int] = {}
        for number, document in enumerate(self.documents):
            said = [word.lower() for word in words(document.text)]
            for place in range(len(said) - MIN_WORDS + 1):
                self._runs.setdefault(hash(tuple(said[place : place + MIN_WORDS])), number)

    @classmethod
    def of(cls, place: Path) -> Library:
        """The texts of a folder, a file or a run's documents."""
        return cls(list(documents_of(place, [], place.name or "documents")))

    def copied(self, text: str) -> list[Copied]:
        """The longest runs of the text found in the library, in order, without overlap."""
        from groundup.apps.writing.tokens import tokens

        # The same words as above, with their places.
        placed = [token for token in tokens(text) if token.word[0].isalnum()]
        said = [token.word.lower() for token in placed]
        found: list[Copied] = []
        place = 0
        while place + MIN_WORDS <= len(said):
            number = self._runs.get(hash(tuple(said[place : place + MIN_WORDS])))
            if number is None:
                place += 1
                continue
            last = place + MIN_WORDS
            while last < len(said) and hash(tuple(said[last - MIN_WORDS + 1 : last + 1])) in self._runs:
                last += 1
            start, end = placed[place].start, placed[last - 1].end
            document = self.documents[number]
            found.append(Copied(start, end, text[start:end], document.source, document.path))
            place = last
        return found


def copied_from_run(text: str, run: Path) -> list[Copied]:
    """The runs of words of `text` that stand in the training tokens of a run, by its trace index."""
    from groundup.tokenizer.tracing import open_trace

    found = []
    for span in open_trace(run / "3_tokenizer").explain(text, min_length=MIN_WORDS, limit=50):
        if len(words(span.text)) >= MIN_WORDS:
            where = span.documents[0] if span.documents else None
            found.append(
                Copied(span.start, span.end, span.text, where.source if where else "", where.path if where else "")
            )
    return found


def share(text: str, copied: Sequence[Copied]) -> float:
    """The share of the text's words that stand in copied runs."""
    total = len(words(text))
    return min(1.0, sum(len(words(one.text)) for one in copied) / total) if total else 0.0
