"""Summaries by selection: which sentence of a text says it best? A classifier that tells it from the others selects it.

Method "classify" on pairs of text and summary: every sentence is a row, shown with its place ("2 of 7: ..."), since
what comes first in a text often matters most; the one that shares most with the summary (ROUGE-1 plus ROUGE-2, the
oracle of Nallapati et al. 2017) is labelled "summary", the others "other". Of a new text the sentence that is most
probably "summary" is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from groundup.core.example import Example
from groundup.language.words import sentences
from groundup.metrics.summary_overlap import rouge_n

SUMMARY, OTHER = "summary", "other"
LABELS = (OTHER, SUMMARY)  # in the order of the alphabet, as a classifier has them


def split(text: str) -> list[str]:
    """The sentences of a text, at least one."""
    return [text[start:end].strip() for start, end in sentences(text)] or [text.strip()]


def shown(parts: Sequence[str]) -> list[str]:
    """Each sentence as the classifier reads it."""
    return [f"{place} of {len(parts)}: {part}" for place, part in enumerate(parts, start=1)]


def as_rows(examples: Sequence[Example]) -> list[Example]:
    """Pairs of text and summary as labelled sentences; other examples as they are."""
    found: list[Example] = []
    for example in examples:
        if example.task != "summarize" or not (example.text and example.target):
            found.append(example)
            continue
        parts = split(example.text)
        likeness = [rouge_n(example.target, part, 1).f1 + rouge_n(example.target, part, 2).f1 for part in parts]
        best = int(np.argmax(likeness))
        found += [
            Example("classify", example.document_id, text=row, label=LABELS[place == best], source=example.source)
            for place, row in enumerate(shown(parts))
        ]
    return found


def select(text: str, probabilities: Callable[[Sequence[str]], np.ndarray]) -> str:
    """The sentence that is most probably the summary. probabilities: rows -> (rows, 2), in the order of LABELS."""
    parts = split(text)
    return parts[int(probabilities(shown(parts))[:, 1].argmax())]
