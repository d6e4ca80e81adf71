"""Language: labels every document (ISO 639-1) and keeps the wanted ones. Code has no language of its own.

A label that came with the document stands where the text itself says too little to be sure.
"""

from __future__ import annotations

from groundup.clean.base import STEPS, Step, kind_of
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped
from groundup.language.identify import identify


@STEPS.register("language")
class Language(Step):
    """Sets `language`; with `keep`, drops other languages ("other_language") and the unsure ("unsure")."""

    name = "language"

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.language

    def apply(self, document: Document) -> Document | Dropped:
        if kind_of(document) == "code":
            return document
        language, confidence = identify(document.text)
        if confidence < self.options.min_confidence:
            language = document.language
        self.counts[language or "unsure"] += 1
        keep = self.options.keep
        if keep and language not in keep:
            reason = "other_language" if language else "unsure"
            return self.drop(document, reason, f"{language or '?'} at {confidence:.2f}")
        return document if language == document.language else _labelled(document, language)


def _labelled(document: Document, language: str) -> Document:
    return document.with_text(document.text, language=language)
