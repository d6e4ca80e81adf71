"""Quality: documents that rules written for web text call no text. The rules are in `filters/`, each adjustable.

Prose is judged by all of them, Markdown by gopher and repetition, code by none. A book (longer than
`quality.book_characters`) is judged by its words, not by length and lines.
"""

from __future__ import annotations

from groundup.clean import filters
from groundup.clean.base import STEPS, Step, kind_of
from groundup.clean.filters.measure import FILTERS, Measured
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped


@STEPS.register("quality")
class Quality(Step):
    """Drops by the first rule that a document breaks; the reason is "filter.rule"."""

    name = "quality"

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        filters.load()
        self.options = options.quality
        self.rules = [(name, FILTERS.get(name)) for name in self.options.filters]

    def apply(self, document: Document) -> Document | Dropped:
        kind = kind_of(document)
        if kind == "code":
            return document
        measured = Measured(document.text, kind, len(document.text) > self.options.book_characters)
        for name, rule in self.rules:
            broken = rule(measured, self.options)
            if broken:
                return self.drop(document, f"{name}.{broken[0]}", broken[1])
        return document
