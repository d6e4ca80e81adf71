"""Where a text comes from, as the studio shows it: the spans of `trace.spans`, each with an excerpt of its documents."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundup.report.read import Run
from groundup.tokenizer.tracing import open_trace
from groundup.trace.sources import Source
from groundup.trace.spans import Traced

EXCERPT = 160  # characters on either side


@dataclass(frozen=True)
class Opened:
    """The index of a run's training tokens, and the run for the words around a span."""

    run: Run
    trace: Traced


def open_sources(run_folder: Path) -> Opened:
    """Open the index of a run. Raises UsageError when it made none, ArtifactError when it is damaged."""
    return Opened(Run(run_folder), open_trace(run_folder / "3_tokenizer"))


def find_sources(opened: Opened, text: str) -> list[dict[str, Any]]:
    """Spans of `text` in reading order, without overlap, the longest preferred: text, start, end (characters), count,
    and up to three documents each {id, source, path, licence, excerpt, start, end of the span in the excerpt}."""
    return [
        {**asdict(span), "documents": [_shown(opened.run, source, span.text) for source in span.documents]}
        for span in opened.trace.explain(text)
    ]


def _shown(run: Run, source: Source, words: str) -> dict[str, Any]:
    document = run.document("2_clean/documents", source.document_id)
    shown = _excerpt(document.text, words) if document else {"excerpt": "", "start": 0, "end": 0}
    names = {"id": source.document_id, "source": source.source, "path": source.path, "licence": source.licence}
    return {**names, **shown}


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
