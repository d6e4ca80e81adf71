"""Plant known effects into a stream of documents, with the ground truth to check every later stage against.

`plant` changes some documents (broken encoding, boilerplate, HTML pages, personal data, secrets, myths, a skew of
jobs and pronouns) and adds some (copies, near copies, other languages). No document gets two effects, so that
`clean_text` in the truth is the text a perfect cleaner would restore. Everything depends on the seed and the
document's id only, except secrets and myths, which are shared out along the stream.

Secrets follow the canaries of Carlini et al. 2019 ("The Secret Sharer"): random words after a fixed beginning, some
repeated, half of them left out by a coin, so that memorisation can be measured against twins that were never seen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from groundup.collect.samples import dirt
from groundup.collect.samples.canaries import SharedLines, myth_lines, secret_lines
from groundup.collect.samples.stories import lexicon, world
from groundup.core.document import Document
from groundup.core.errors import UsageError, near
from groundup.core.randomness import python_random

Record = dict[str, Any]
RATE = 0.02  # of the documents, for each effect; taste: 800 of 40,000, enough for an interval of +-2 % on recall
COPY_DELAY = 200  # a copy comes up to this many documents after its original
SKEW_FLIP = 0.6  # of the stories against the skew are turned: from 1:1 to 4:1, the ratio of trust studies
JACCARD_LEVELS = (0.9, 0.8, 0.6, 0.4)  # of 5-word shingles; the usual cut between copy and own text is 0.7 to 0.8


def plant(
    documents: Iterable[Document],
    effects: Iterable[str],
    seed: int,
    rate: float = RATE,
    record: Callable[[Record], None] | None = None,
) -> Iterator[Document]:
    """Pass `documents` on with `effects` planted, each at `rate`; `record` gets one truth a planted thing.

    A truth is ``{"document_id", "effect", ...}`` with ``clean_text`` where a text was made dirty, ``original`` for
    copies, ``spans`` (characters of the planted document) for personal data. Secrets and myths are reported when the
    stream ends, also those that were left out (``member`` False). Raises UsageError for an unknown effect or a rate
    that would plant into more documents than there are.
    """
    names = list(effects)
    for name in names:
        if name not in EFFECTS:
            raise UsageError(f"Unknown effect '{name}' to plant.", repair=near(name, EFFECTS))
    if not 0 <= rate * len(names) <= 1:
        raise UsageError(f"{len(names)} effects at a rate of {rate} need more documents than there are.")
    return _Planter(names, seed, rate, record or (lambda truth: None)).stream(documents)


class _Planter:
    """The state of one planting: copies that wait for their place, and lines shared out along the stream."""

    def __init__(self, names: list[str], seed: int, rate: float, record: Callable[[Record], None]) -> None:
        self.names, self.seed, self.rate, self.record = names, seed, rate, record
        self.waiting: list[tuple[int, Document]] = []
        self.number = 0
        makers = {"secrets": secret_lines, "myths": myth_lines}
        self.shared: dict[str, SharedLines] = {name: makers[name](seed) for name in names if name in makers}

    def stream(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            self.number += 1
            yield from self._planted(document)
            yield from self._due()
        yield from (copy for _, copy in self.waiting)
        for lines in self.shared.values():
            for truth in lines.truths():
                self.record(truth)

    def _planted(self, document: Document) -> Iterator[Document]:
        draw = python_random(self.seed, "plant", document.id)
        place = draw.random()
        index = int(place / self.rate) if self.rate else len(self.names)
        if "skew" in self.names:
            document = self._skewed(document, draw)
        if index >= len(self.names) or self.names[index] == "skew":
            yield document
            return
        name = self.names[index]
        if name in self.shared:
            yield self.shared[name].insert(document, draw)
        elif name in CHANGES:
            changed, truth = CHANGES[name](document, draw)
            self.record({"document_id": changed.id, "effect": name, **truth})
            yield changed
        else:
            yield document
            added, truth = ADDITIONS[name](document, draw)
            self.record({"document_id": added.id, "effect": name, **truth})
            self.waiting.append((self.number + draw.randint(1, COPY_DELAY), added))

    def _due(self) -> Iterator[Document]:
        due = [copy for when, copy in self.waiting if when <= self.number]
        if due:
            self.waiting = [(when, copy) for when, copy in self.waiting if when > self.number]
        yield from due

    def _skewed(self, document: Document, draw: random.Random) -> Document:
        """A story of a skewed job whose hero has the other pronoun is retold, so that the job leans 4:1.

        The skew needs the facts of a story; other documents pass unchanged. The rate does not matter here: a skew is
        a property of the whole corpus.
        """
        if document.meta.get("sample") != "stories":
            return document
        told = world.story(document.meta["seed"], document.meta["index"])
        wanted = lexicon.SKEWED_JOBS.get(told.facts["job"])
        if wanted is None or wanted == told.facts["he"] or draw.random() >= SKEW_FLIP:
            return document
        retold = world.story(told.seed, told.index, pronoun=wanted)
        truth = {"job": told.facts["job"], "pronoun": wanted, "was": told.facts["he"]}
        self.record({"document_id": document.id, "effect": "skew", **truth})
        return document.with_text(retold.document_text, meta={**document.meta, "pronoun": wanted})


def _copy(document: Document, draw: random.Random) -> tuple[Document, Record]:
    added = _beside(document, "duplicates", document.text, draw)
    return added, {"original": document.id}


def _near_copy(document: Document, draw: random.Random) -> tuple[Document, Record]:
    level = draw.choice(JACCARD_LEVELS)
    text, jaccard = dirt.near_copy(document.text, level, draw)
    added = _beside(document, "near_duplicates", text, draw)
    return added, {"original": document.id, "level": level, "jaccard": round(jaccard, 4)}


def _other_language(document: Document, draw: random.Random) -> tuple[Document, Record]:
    language, text = dirt.other_language(draw)
    return _beside(document, "languages", text, draw), {"language": language}


def _beside(document: Document, effect: str, text: str, draw: random.Random) -> Document:
    path = f"planted/{effect}/{document.path}"
    meta = {key: value for key, value in document.meta.items() if key not in ("sample", "seed", "index")}
    return Document(text, document.source, path, document.licence, date=document.date, meta=meta)


def _changed(make: Callable[[str, random.Random], tuple[str, Record]]) -> Callable[..., tuple[Document, Record]]:
    def change(document: Document, draw: random.Random) -> tuple[Document, Record]:
        text, truth = make(document.text, draw)
        return document.with_text(text), truth

    return change


def _html_page(document: Document, draw: random.Random) -> tuple[Document, Record]:
    page = dirt.html_page(document.text, draw)
    return document.with_text(page, meta={**document.meta, "format": "html"}), {"clean_text": document.text}


# effect -> what it does to a document
CHANGES: dict[str, Callable[[Document, random.Random], tuple[Document, Record]]] = {
    "boilerplate": _changed(dirt.boilerplate),
    "mojibake": _changed(dirt.mojibake),
    "personal_data": _changed(dirt.personal_data),
    "html": _html_page,
}
# effect -> the document it adds
ADDITIONS: dict[str, Callable[[Document, random.Random], tuple[Document, Record]]] = {
    "duplicates": _copy,
    "near_duplicates": _near_copy,
    "languages": _other_language,
}
EFFECTS = (*ADDITIONS, *CHANGES, "secrets", "myths", "skew")
