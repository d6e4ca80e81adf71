"""Toxic documents: counted by a word list of our own, judged by a classifier trained on the user's labelled examples.

A word list finds abuse and also who speaks about it; so a document goes by its share of listed words, never by one word,
and `action = "label"` only writes the figures to `meta.toxicity` for people to look at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundup.clean.base import STEPS, Step, kind_of
from groundup.clean.options import CleanOptions
from groundup.clean.score import opened, probability, trained
from groundup.core.document import Document, Dropped
from groundup.language.linear import HashedLinear
from groundup.language.toxicity import toxic_words

if TYPE_CHECKING:
    from groundup.clean.base import Arrays


@STEPS.register("toxicity")
class Toxicity(Step):
    """Drops "toxic_words" and "toxic" (by the classifier); counts the listed words by kind."""

    name = "toxicity"

    def __init__(self, options: CleanOptions) -> None:
        super().__init__(options)
        self.options = options.toxicity
        self.model: HashedLinear | None = None

    def settle(self) -> Arrays:
        return trained(self.options.toxic, self.options.harmless, "clean.toxicity") if self.options.toxic else {}

    def adopt(self, decision: Arrays) -> None:
        self.model = opened(decision)

    def apply(self, document: Document) -> Document | Dropped:
        if kind_of(document) == "code":
            return document
        found = toxic_words(document.text)
        for _, _, kind in found:
            self.counts[kind] += 1
        share = len(found) / (document.text.count(" ") + 1)
        probable = round(probability(self.model, document.text), 4) if self.model is not None else 0.0
        if self.options.action == "label":
            if not found and self.model is None:
                return document
            figures = {"words": round(share, 5), "probability": probable}
            return document.with_text(document.text, meta={**document.meta, "toxicity": figures})
        if share > self.options.max_words and len(found) > 1:
            kinds = ", ".join(sorted({kind for _, _, kind in found}))
            return self.drop(document, "toxic_words", f"{len(found)} listed words, {share:.1%} of all ({kinds})")
        if self.model is not None and probable > self.options.max_probability:
            return self.drop(document, "toxic", f"{probable:.2f} by the classifier")
        return document
