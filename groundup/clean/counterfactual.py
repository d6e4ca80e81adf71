"""Balance the genders: half of the documents, by a coin of their hash, are turned around (language.swap).

Counterfactual data substitution (Hall Maudslay et al. 2019, arXiv:1909.00871): a job that stood with "he" four times of
five then stands with each pronoun half of the time, and the corpus keeps its size. English documents only.
"""

from __future__ import annotations

import hashlib

from groundup.clean.base import STEPS, Step, kind_of
from groundup.core.document import Document, Dropped
from groundup.language.swap import swapped


@STEPS.register("counterfactual")
class Counterfactual(Step):
    """Changes documents, drops none; counts those the coin left as they are."""

    name = "counterfactual"

    def apply(self, document: Document) -> Document | Dropped:
        if document.language not in ("", "en") or kind_of(document) == "code":
            return document
        if hashlib.sha256(f"counterfactual {document.id}".encode()).digest()[0] % 2:
            self.counts["left as they are"] += 1
            return document
        return document.with_text(swapped(document.text))
