"""Where a text comes from: its spans that stand word for word in the training tokens, with their documents.

Spans are exact matches of tokens (after infini-gram, arXiv:2401.17377, and OLMoTrace, arXiv:2504.07096). A match is no
proof that the model copied: it says that these words stood in what it learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from groundup.trace.index import Span, SuffixIndex
from groundup.trace.sources import Source, Sources

MIN_TOKENS = 4  # shorter spans stand in almost any text; taste
MAX_SPANS = 8  # what a reader looks at
MAX_DOCUMENTS = 3  # per span


class Coder(Protocol):
    """What is asked of a tokenizer."""

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: list[int]) -> str: ...


@dataclass(frozen=True)
class TracedSpan:
    """text[start:end] (characters) stands `count` times in the training tokens; some of the documents it stands in."""

    text: str
    start: int
    end: int
    count: int
    documents: list[Source]


class Traced:
    """The index of a model's training tokens, the documents they come from and the tokenizer that made them."""

    def __init__(self, index: SuffixIndex, sources: Sources, tokenizer: Coder) -> None:
        self.index = index
        self.sources = sources
        self.tokenizer = tokenizer

    def explain(self, text: str, *, min_length: int = MIN_TOKENS, limit: int = MAX_SPANS) -> list[TracedSpan]:
        """Spans of `text` of at least `min_length` tokens, in reading order, without overlap, the longest preferred.

        At most `limit` of them, each with up to three documents.
        """
        ids = self.tokenizer.encode(text)
        # A word at the start of an answer has no space before it; in running text it has one.
        spaced = self.tokenizer.encode(f" {text}")
        found = [(self._offsets(ids, span, 0), ids, span) for span in self._spans(ids, min_length)]
        found += [(self._offsets(spaced, span, 1), spaced, span) for span in self._spans(spaced, min_length)]
        found.sort(key=lambda item: (item[0][0] - item[0][1], item[2].count))
        chosen: list[tuple[tuple[int, int], list[int], Span]] = []
        for item in found:
            start, end = item[0]
            if text[start:end].strip() and all(end <= other[0] or start >= other[1] for other, _, _ in chosen):
                chosen.append(item)
        chosen = sorted(chosen[:limit], key=lambda item: item[0])
        return [self._described(text, place, ids, span) for place, ids, span in chosen]

    def _spans(self, ids: list[int], min_length: int) -> list[Span]:
        return self.index.maximal_spans(ids, min(min_length, len(ids)))

    def _offsets(self, ids: list[int], span: Span, shift: int) -> tuple[int, int]:
        """Character offsets of a span of tokens in the text (which was shifted by `shift` characters)."""
        start = len(self.tokenizer.decode(ids[: span.start])) - shift
        end = len(self.tokenizer.decode(ids[: span.end])) - shift
        return max(0, start), max(0, end)

    def _described(self, text: str, place: tuple[int, int], ids: list[int], span: Span) -> TracedSpan:
        # A little more than is shown: several matches can stand in one document.
        positions = self.index.find(ids[span.start : span.end], 4 * MAX_DOCUMENTS)
        documents = self.sources.of(positions)[:MAX_DOCUMENTS]
        return TracedSpan(text[place[0] : place[1]], *place, span.count, documents)
