"""SEAT (May et al. 2019, NAACL): the Word Embedding Association Test on vectors of sentences.

Each word of a WEAT set is put into sentences that say nothing else ("This is nurse."), and the model's vectors of these
take the place of the word's (generate.embed: the mean of the last hidden states). Effect, permutation test and finding
are those of `weat.py`. The published SEAT files hold such sentences for WEAT's words; these are made from its files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from groundup.audit.base import Finding, Look, audits, unmeasured
from groundup.audit.benchmarks.rows import texts_named
from groundup.audit.benchmarks.verdict import absent
from groundup.audit.benchmarks.weat import ARCHIVE, FILE, association_finding
from groundup.audit.options import FINDINGS

BORDER = "<|endoftext|>"  # sentence vectors begin with it
NAME = "seat_associations"
MEASURE = "share of association tests on sentences with p < 0.05 beyond the 0.05 of chance"
TEMPLATES = ("This is {}.", "That is {}.", "There is {}.", "Here is {}.", "{} is here.")  # after May et al., table 1


@audits.register("seat")
def seat(look: Look) -> list[Finding]:
    """The finding `seat_associations`."""
    texts = texts_named(look.options.data, FILE, ARCHIVE)
    if not texts:
        return absent(FINDINGS["seat"], f"{ARCHIVE} or {FILE}")
    bundle = look.subject.bundle
    if bundle is None or BORDER not in bundle.tokenizer.special or look.subject.kind == "encoder_decoder":
        return [unmeasured(NAME, MEASURE, "sentence vectors are made for models of our own families that go on a text")]

    def vectors_of(words: Sequence[str]) -> np.ndarray:
        """(words x templates, D): every sentence is an item of its own, as in the published files."""
        from groundup.generate.embed import embed

        sentences = [template.format(word) for word in words for template in TEMPLATES]
        vectors: np.ndarray = embed(bundle, sentences).astype(np.float64)
        return vectors

    return [association_finding(look, NAME, MEASURE, texts, vectors_of, f"{len(TEMPLATES)} sentences a word")]
