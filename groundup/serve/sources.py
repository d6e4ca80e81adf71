"""Where a text comes from: its spans that stand word for word in the training text, with their documents.

Spans are exact matches of tokens in the run's suffix index (after infini-gram, arXiv:2401.17377, and OLMoTrace,
arXiv:2504.07096). A match is no proof that the model copied: it says that these words stood in what it learned from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.core.errors import UsageError
from groundup.report.read import Run
from groundup.tokenizer import Tokenizer
from groundup.tokenizer.shards import TokenShards
from groundup.trace.index import Span, SuffixIndex
from groundup.trace.sources import Sources

MIN_TOKENS = 4  # shorter spans stand in almost any text; taste
MAX_SPANS = 8  # what a reader looks at
MAX_DOCUMENTS = 3  # per span
EXCERPT = 160  # characters on either side


@dataclass(frozen=True)
class Opened:
    """The index of a run's training tokens, ready to be asked."""

    run: Run
    tokenizer: Tokenizer
    index: SuffixIndex
    sources: Sources


def open_sources(run_folder: Path) -> Opened:
    """Open the index of a run. Raises UsageError when it made none, ArtifactError when it is damaged."""
    folder = run_folder / "3_tokenizer"
    if not (folder / "trace").is_dir():
        raise UsageError(
            f"{run_folder.name} has no index of its training text.",
            repair="Set [tokenizer] trace = true and run the tokenizer stage again.",
        )
    shards = TokenShards.open(folder / "tokens", "train")
    index = SuffixIndex.open(folder / "trace", shards.tokens)
    return Opened(
        Run(run_folder), Tokenizer.load(folder / "tokenizer"), index, Sources(shards.borders, shards.documents)
    )


def find_sources(opened: Opened, text: str) -> list[dict[str, Any]]:
    """Spans of `text` in reading order, without overlap, the longest preferred: text, start, end (characters), count,
    and up to three documents each {id, source, path, licence, excerpt, start, end of the span in the excerpt}."""
    ids = opened.tokenizer.encode(text)
    # A word at the start of an answer has no space before it; in running text it has one.
    spaced = opened.tokenizer.encode(f" {text}")
    found = [(_offsets(opened, ids, span, 0), ids, span) for span in _spans(opened, ids)]
    found += [(_offsets(opened, spaced, span, 1), spaced, span) for span in _spans(opened, spaced)]
    found.sort(key=lambda item: (item[0][0] - item[0][1], item[2].count))
    chosen: list[tuple[tuple[int, int], list[int], Span]] = []
    for item in found:
        start, end = item[0]
        if text[start:end].strip() and all(end <= other[0] or start >= other[1] for other, _, _ in chosen):
            chosen.append(item)
    chosen = sorted(chosen[:MAX_SPANS], key=lambda item: item[0])
    return [_described(opened, text, place, ids, span) for place, ids, span in chosen]


def _spans(opened: Opened, ids: list[int]) -> list[Span]:
    return opened.index.maximal_spans(ids, min(MIN_TOKENS, len(ids)))


def _offsets(opened: Opened, ids: list[int], span: Span, shift: int) -> tuple[int, int]:
    """Character offsets of a span of tokens in the text (which was shifted by `shift` characters)."""
    start = len(opened.tokenizer.decode(ids[: span.start])) - shift
    end = len(opened.tokenizer.decode(ids[: span.end])) - shift
    return max(0, start), max(0, end)


def _described(opened: Opened, text: str, place: tuple[int, int], ids: list[int], span: Span) -> dict[str, Any]:
    start, end = place
    # A little more than is shown: several matches can stand in one document.
    positions = opened.index.find(ids[span.start : span.end], 4 * MAX_DOCUMENTS)
    documents = []
    for source in opened.sources.of(positions)[:MAX_DOCUMENTS]:
        document = opened.run.document("2_clean/documents", source.document_id)
        shown = _excerpt(document.text, text[start:end]) if document else {"excerpt": "", "start": 0, "end": 0}
        names = {"id": source.document_id, "source": source.source, "path": source.path, "licence": source.licence}
        documents.append({**names, **shown})
    return {"text": text[start:end], "start": start, "end": end, "count": span.count, "documents": documents}


def _excerpt(document: str, words: str) -> dict[str, Any]:
    """The words of the document around the span, cut at spaces, and where the span stands in them."""
    words = words.strip()
    at = document.find(words)
    if at < 0:
        return {"excerpt": document[: 2 * EXCERPT], "start": 0, "end": 0}
    left, right = max(0, at - EXCERPT), min(len(document), at + len(words) + EXCERPT)
    while left > 0 and not document[left - 1].isspace() and left < at:
        left += 1
    while right < len(document) and not document[right].isspace() and right > at + len(words):
        right -= 1
    return {"excerpt": document[left:right], "start": at - left, "end": at - left + len(words)}
